"""The title and the open part of one job."""

from tui.widgets.facts.facts import Pane


class JobTitle(Pane):
    """Id, name, state and anomaly."""


class JobText(Pane):
    """The open part."""
