"""Runs scripts as jobs and never loses track of one. The code lies in ``backend/`` and ``tui/``, linked from here."""

__version__ = "0.1.0"
