"""The log of a job, of any size: opened at its end, followed, searched, filtered, and made safe to show."""

from backend.readmodel.logs.safe import harmless
from backend.readmodel.logs.view import LogView

__all__ = ["LogView", "harmless"]
