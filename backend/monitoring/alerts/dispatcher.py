"""Hands notices out to the receivers and writes down what became of them. Only its own thread asks the database."""

import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from jobwarden.backend.config.settings import Settings
from jobwarden.backend.database.driver import Connection
from jobwarden.backend.monitoring.alerts import delivery, store
from jobwarden.backend.monitoring.alerts.command import Leash
from jobwarden.backend.monitoring.alerts.receiver import Receiver
from jobwarden.backend.monitoring.alerts.records import Notice

NoticeKey = tuple[int, str]


@dataclass(slots=True)
class _Underway:
    """A notice: which receivers it is still to be offered to, which have it, and what went wrong with each."""

    notice: Notice
    to_offer: list[str]
    with_whom: set[str] = field(default_factory=set)
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return not self.to_offer and not self.with_whom

    @property
    def problem(self) -> str:
        return "; ".join(self.problems.values())


class NoticeOutbox:
    """``leads``: whether this worker still is the one that tells."""

    def __init__(self, settings: Settings, leads: Callable[[], bool]) -> None:
        self._reports: queue.SimpleQueue[tuple[str, Notice, str | None, bool]] = queue.SimpleQueue()
        self._leash = Leash()
        self._receivers = {
            name: Receiver(name, send, leads, lambda *what, name=name: self._reports.put((name, *what)))
            for name, send in delivery.receivers(settings, self._leash).items()
        }
        self._underway: dict[NoticeKey, _Underway] = {}
        self._changed: set[NoticeKey] = set()

    def stop(self) -> None:
        """Stop the receivers soon; a command that is under way is ended, a delivery to a server is not waited for."""
        for receiver in self._receivers.values():
            receiver.stop()
        self._leash.let_go()

    def wait(self, seconds: float) -> None:
        """After `stop`: wait until no command runs, at most so long (its guard ends it all the same)."""
        self._leash.wait(seconds)

    @property
    def idle(self) -> bool:
        """Whether nothing is with a receiver, or waits to be written down."""
        return not self._underway

    def hand_out(self, notices: Iterable[Notice]) -> None:
        """Give each receiver what it has not got yet, in order, as far as it takes it."""
        full: set[str] = set()
        notices = list(notices)
        self._forget_all_but({notice.key for notice in notices})
        for notice in notices:
            if notice.key not in self._underway:
                delivery.note(notice)
                self._underway[notice.key] = _Underway(notice, list(self._receivers))
                self._changed.add(notice.key)
            full |= self._offer(self._underway[notice.key], full)

    def _forget_all_but(self, keys: set[NoticeKey]) -> None:
        """Forget what we left to another leader, who has told it."""
        kept = keys | self._changed
        self._underway = {key: one for key, one in self._underway.items() if one.with_whom or key in kept}

    def _offer(self, underway: _Underway, full: set[str]) -> set[str]:
        """Offer a notice to those who lack it; those that take none for now."""
        refused = set()
        for name in [name for name in underway.to_offer if name not in full]:
            receiver = self._receivers[name]
            if receiver.offer(underway.notice):
                underway.to_offer.remove(name)
                underway.with_whom.add(name)
            else:
                refused.add(name)
            if receiver.ident is None:
                receiver.start()
        return refused

    def write_down(self, conn: Connection) -> None:
        """Keep what became of the notices since last time; call `written` when that is committed."""
        self._collect()
        for key in self._changed:
            underway = self._underway[key]
            if underway.done:
                store.told(conn, underway.notice, underway.problem or None)
            elif underway.problem:
                store.undelivered(conn, underway.notice, underway.problem)

    def written(self) -> None:
        """Forget what is over and done with."""
        for key in self._changed:
            if self._underway[key].done:
                del self._underway[key]
        self._changed.clear()

    def _collect(self) -> None:
        while True:
            try:
                name, notice, problem, last = self._reports.get_nowait()
            except queue.Empty:
                return
            self._note(name, self._underway[notice.key], problem, last)

    def _note(self, name: str, underway: _Underway, problem: str | None, last: bool) -> None:
        if problem is None:  # not tried: offered again if we come to lead again
            underway.with_whom.discard(name)
            underway.to_offer.append(name)
            return
        underway.problems.pop(name, None)
        if problem:
            underway.problems[name] = problem
        if last:
            underway.with_whom.discard(name)
        self._changed.add(underway.notice.key)
