"""The thread in each worker that holds room on the disk of the home for our own writes, and gives it up in need."""

import logging
import threading

from backend import reserve
from backend.domain.units import format_bytes
from backend.errors import JobwardenError
from backend.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


class Spare(threading.Thread):
    """Looks once a second. What goes wrong here is said once, and costs nothing but the room."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="disk-reserve", daemon=True)
        self._settings = settings
        self._stopping = threading.Event()
        self._said = ""

    def stop(self) -> None:
        """Look no more; the file stays."""
        self._stopping.set()

    def run(self) -> None:
        """Look until stopped."""
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except (OSError, JobwardenError) as exc:
                self._say(f"room on the disk of {self._settings.home} cannot be held: {exc}")

    def look(self) -> None:
        """Give up the room when the disk is full, take it again when there is enough. Raises OSError, Untrusted."""
        if reserve.give_up_when_full(self._settings):
            self._say(f"the disk of {self._settings.home} is full: the room that was held there is given up")
        elif reserve.hold(self._settings):
            room = reserve.room(self._settings)
            log.info("%s of the disk of %s are held", format_bytes(room.reserve // reserve.HELD), self._settings.home)
            self._said = ""

    def _say(self, line: str) -> None:
        if line != self._said:
            log.warning("%s", line)
            self._said = line
