"""The results of one action as they come in, told to whoever watches."""

from collections.abc import Iterable, Iterator, Sequence

from backend.actions.records import Cancelled, ItemResult, Progress, Step, refused

CHUNK = 100
"""Jobs that are looked at together, and between which a stop is asked for."""

LEFT_UNDONE = "was left undone: the action was stopped"


def pieces(ids: Sequence[int], size: int = CHUNK) -> Iterator[list[int]]:
    """The ids in lists of up to ``size``."""
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


class Tally:
    """Results by job, one for each id; the first one counts."""

    def __init__(
        self, ids: Sequence[int], progress: Progress | None = None, cancelled: Cancelled | None = None
    ) -> None:
        self.ids = list(dict.fromkeys(ids))
        self._results: dict[int, ItemResult] = {}
        self._progress = progress or (lambda _: None)
        self._cancelled = cancelled or (lambda: False)
        self._last: ItemResult | None = None
        self.stopped = False

    def add(self, result: ItemResult) -> None:
        """Note the result of one job and tell of it."""
        self._results.setdefault(result.job_id, result)
        self._last = result
        self.say(f"job {result.job_id}: {result.message}")

    def extend(self, results: Iterable[ItemResult]) -> None:
        """Note several."""
        for result in results:
            self.add(result)

    def say(self, words: str) -> None:
        """Tell what is going on."""
        self._progress(Step(len(self._results), len(self.ids), self._last, words))

    def stop_asked(self) -> bool:
        """Whether no further job may be begun; once True it stays so."""
        self.stopped = self.stopped or self._cancelled()
        return self.stopped

    def chunks(self, ids: Sequence[int] | None = None, size: int = CHUNK) -> Iterator[list[int]]:
        """The ids in pieces, until a stop is asked for."""
        for piece in pieces(self.ids if ids is None else ids, size):
            if self.stop_asked():
                return
            yield piece

    def results(self) -> list[ItemResult]:
        """One result for each id, in their order; for what was not begun it says so."""
        return [self._results.get(job_id) or refused(job_id, LEFT_UNDONE) for job_id in self.ids]
