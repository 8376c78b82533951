"""What the dashboard needs only later, loaded behind its first pictures: a program that is replaced under it, or moved
away, must have left nothing to load."""

import contextlib
from importlib import import_module

REST = (
    "tui.config.columns", "tui.pickers.columns", "tui.pickers.order", "tui.pickers.views", "tui.screens.job",
    "backend.readmodel.collector", "backend.readmodel.export", "backend.readmodel.export_file",
    "backend.readmodel.operator", "backend.queue.bell",
)  # fmt: skip
"""Modules that are imported inside of functions, here or in the read model, so that the first picture need not wait for
them. Their names alone: what the read model uses stays its own affair."""


def load_rest() -> None:
    """Load them all."""
    with contextlib.suppress(ImportError):  # replaced already: who needs the module says so
        for name in REST:
            import_module(name)
