"""The attempts that need real workers use the same fixtures as the tests of the worker."""

from tests.worker.conftest import farm, installation

__all__ = ["farm", "installation"]
