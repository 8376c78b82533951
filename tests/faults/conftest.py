"""The same real workers as tests of the worker use."""

from tests.worker.conftest import farm

__all__ = ["farm"]
