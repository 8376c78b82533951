"""What the header says, as plain functions of a snapshot: two lines, bars and rates, less on a narrow screen."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jobwarden.backend.domain.states import AnomalyKind, JobState
from jobwarden.backend.domain.units import counted, format_duration, format_memory
from jobwarden.backend.queries.models.snapshot import Health, Link, Rates, Snapshot
from jobwarden.tui.text import Text
from jobwarden.tui.theme.states import ANOMALY_GLYPH, HELD, STATE_LOOKS

# A series of numbers in one line of text.

_BARS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[int], width: int, top: int = 0) -> str:
    """Return the last ``width`` values as bars; nothing is a blank, the least something a visible bar.

    ``top`` is the value of a full bar where it is larger than every value, so that two lines can be compared.

    >>> spark([0, 1, 4, 8], 4), spark([5], 3)
    (' ▁▄█', '  █')
    """
    shown = list(values[-width:]) if width > 0 else []
    most = max([*shown, top, 1])
    bars = (" " if value <= 0 else _BARS[max(0, (value * len(_BARS) + most - 1) // most - 1)] for value in shown)
    return "".join(bars).rjust(width)


# How much happens: jobs started, completed and failed by minute.

SPARK_WIDEST, SPARK_LEAST = 20, 5
"""Cells of a sparkline, one a minute: more say no more, fewer say nothing."""
_RATES = (("started", "running"), ("completed", "plain"), ("failed", "failed"))


def rates(rates: Rates, room: int, styles: Mapping[str, str]) -> Text:
    """Return what started, completed and failed by minute: three sparklines with words, or what there is room for.

    The figures are those of the last whole minute, or of the one that runs where that has more already.
    """
    series, now = rates.minutes, rates.now
    if not series:
        return Text("")
    parts = [(word, role, [getattr(minute, word) for minute in series]) for word, role in _RATES]
    figures = [f"{getattr(now, word)}/min" for word, *_ in _RATES]
    words = sum(len(word) + len(figure) + 4 for (word, *_), figure in zip(parts, figures, strict=True))
    bars = min(SPARK_WIDEST, (room - words) // len(parts))
    if bars >= SPARK_LEAST:
        return Text("  ").join(
            Text.assemble(
                (f"{word} ", styles.get("dim", "")), (spark(values, bars), styles.get(role, "")), f" {figure}"
            )
            for (word, role, values), figure in zip(parts, figures, strict=True)
        )
    figure = f" {now.started}▸ {now.completed}✓ {now.failed}✗/min"
    bars = min(SPARK_WIDEST, room - len(figure))
    if bars < SPARK_LEAST:
        bare = min(SPARK_WIDEST, room)
        return Text(spark(parts[0][2], bare), style=styles.get("running", "")) if bare >= SPARK_LEAST else Text("")
    return Text.assemble((spark(parts[0][2], bars), styles.get("running", "")), (figure, styles.get("dim", "")))


# A bar that shows a share with a figure beside it.

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(used: float, total: float, width: int) -> str:
    """Return a bar of ``width`` cells; something is never drawn as nothing, and only full is drawn full.

    >>> bar(1, 2, 4), bar(0, 0, 4)
    ('██··', '····')
    """
    if total <= 0 or used <= 0:
        return "·" * width
    eighths = min(width * 8, max(1, int(used / total * width * 8)))
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[part] if part else "")).ljust(width, "·")


def gauge(label: str, used: float, total: float, figure: str, width: int, style: str) -> Text:
    """Return ``cpu ███··· 3/4``, without the bar for no ``width``; ``style`` colours the bar."""
    drawn = f"{bar(used, total, width)} " if width else ""
    return Text.assemble((f"{label} ", "dim"), (drawn, style), figure)


WIDE = 120
"""Cells from which on the first line has room for everything."""
ROOMY = 140
"""Cells from which on the header also says what is well."""
LAG_SLOW, LAG_BAD = 3.0, 15.0
"""Seconds a granted job may wait for its worker before that is worth saying, and before it is wrong."""
UNWATCHED = (AnomalyKind.ORPHAN, AnomalyKind.LOST, AnomalyKind.UNRECORDED)
"""What is wrong with jobs that are RUNNING in the record alone."""
STALE_AFTER = 3.0
"""Seconds without a snapshot after which the data count as stale although the link is up: a server hangs."""


@dataclass(frozen=True, slots=True)
class Colours:
    """Style of each colour role, taken from the theme by the widget."""

    styles: Mapping[str, str]

    def __getitem__(self, role: str) -> str:
        return self.styles.get(role, "")


def header_lines(
    snapshot: Snapshot, width: int, colours: Colours, *, read_only: bool = False, stale: bool = False
) -> list[Text]:
    """Return the lines of the header, each exactly ``width`` cells.

    ``stale``: what is known is of the past. The last figures stay, without the colours of health, and what may have
    changed since is called unknown; the line under the header says how old it is.
    """
    health = _unknown_health(snapshot, colours) if stale else _health(snapshot, colours, wide=width >= ROOMY)
    mark = Text("read-only", style=colours["pending"]) if read_only else None
    if stale:
        colours = Colours(dict.fromkeys(colours.styles, colours["dim"]))
    alarm = _alarm(snapshot, colours, stale)
    left = _first_that_fits(_left(snapshot, colours, mark), width - health.cell_len - 3)
    below = _first_that_fits(_counted(snapshot, colours), width - alarm.cell_len - 3)
    below.append("   ").append_text(rates(snapshot.rates, width - below.cell_len - alarm.cell_len - 5, colours.styles))
    return [spread(left, health, width), spread(below, alarm, width)]


def _first_that_fits(texts: Iterable[Text], room: int) -> Text:
    """Return the fullest text that there is room for, else the shortest."""
    text = Text("")
    for text in texts:
        if text.cell_len <= room:
            break
    return text.copy()


def _left(snapshot: Snapshot, colours: Colours, read_only: Text | None) -> Iterable[Text]:
    """Yield what the first line may begin with, shorter and shorter."""
    mark = [] if read_only is None else [read_only]
    brand, workers = Text("jobwarden", style="bold"), _workers(snapshot, colours)
    for bars in (12, 8, 0):
        yield Text(" ").append_text(Text("   ").join([brand, *mark, workers, _capacity(snapshot, colours, bars)]))
    yield Text(" ").append_text(Text("   ").join([*mark, workers, _capacity(snapshot, colours, 0)]))
    yield Text(" ").append_text(Text("  ").join([*mark, workers]))


def _counted(snapshot: Snapshot, colours: Colours) -> Iterable[Text]:
    """Yield the jobs by state, shorter and shorter."""
    bare = {JobState.COMPLETED: "", JobState.CANCELLED: ""}
    for words in ({}, {JobState.COMPLETED: "done"}, bare, dict.fromkeys(JobState, "")):
        yield Text(" ").append_text(_counts(snapshot, colours, words))


def spread(left: Text, right: Text, width: int) -> Text:
    """Put one text at the left end and one at the right end of a line; the left one gives way."""
    room = max(0, width - right.cell_len - 1)
    line = left.copy()
    line.truncate(room, overflow="ellipsis")
    line.append(" " * (room - line.cell_len))
    line.append_text(right)
    line.append(" ")
    line.truncate(width)
    return line


def _workers(snapshot: Snapshot, colours: Colours) -> Text:
    if not snapshot.loaded:
        return Text("workers …", style=colours["dim"])
    alive, dead = snapshot.alive(), snapshot.dead()
    text = Text("workers ", style=colours["dim"])
    text.append(f"● {alive} alive", style=colours["good"] if alive else colours["bad"])
    if dead:
        text.append(f"  ✗ {dead} dead", style=colours["bad"])
    return text


def _capacity(snapshot: Snapshot, colours: Colours, width: int) -> Text:
    if not snapshot.loaded:
        return Text("")
    has = snapshot.capacity
    parts = [
        gauge(
            "cpu",
            has.cpus_allocated,
            has.cpus,
            f"{has.cpus_allocated}/{has.cpus}",
            width,
            _of_share(has.cpus_allocated, has.cpus, colours),
        ),
        gauge(
            "mem",
            has.memory_mb_allocated,
            has.memory_mb,
            _of_memory(snapshot),
            width,
            _of_share(has.memory_mb_allocated, has.memory_mb, colours),
        ),
    ]
    if has.gpus:
        said, style = f"{has.gpus_allocated}/{has.gpus}", _of_share(has.gpus_allocated, has.gpus, colours)
        parts.append(gauge("gpu", has.gpus_allocated, has.gpus, said, min(4, width), style))
    return Text("   ").join(parts)


def _of_share(used: int, total: int, colours: Colours) -> str:
    """The colour of a bar: what is given out to the last bit makes jobs wait."""
    return colours["pending" if used >= total else "running"]


def _of_memory(snapshot: Snapshot) -> str:
    has = snapshot.capacity
    used = format_memory(has.memory_mb_allocated) if has.memory_mb_allocated else "0"
    return f"{used}/{format_memory(has.memory_mb)}"


def _counts(snapshot: Snapshot, colours: Colours, words: Mapping[JobState, str]) -> Text:
    """Return the jobs by state; ``words`` are other words than those of the states."""
    if not snapshot.counts:
        return Text("")
    parts = []
    for state in JobState:
        look, jobs = STATE_LOOKS[state], snapshot.counts.get(state, 0)
        word = words.get(state, state.lower())
        held = f" ({snapshot.held:,} {'held' if word else HELD.glyph})" if snapshot.held else ""
        held = held if state is JobState.PENDING else ""
        style = colours[look.role] if jobs else colours["dim"]
        parts.append(Text(f"{look.glyph} {jobs:,} {word}".rstrip() + held, style=style))
        if state is JobState.RUNNING and (flagged := _flagged(snapshot, words=not words)):
            parts[-1].append(f" ({flagged})", style=colours["anomaly"])
    return Text("  ").join(parts)


def _flagged(snapshot: Snapshot, *, words: bool) -> str:
    """Which of the jobs that are recorded as RUNNING nobody watches or nothing is left of: ``2 orphan, 1 lost``."""
    found = Counter(row.kind for row in snapshot.anomalies if row.kind in UNWATCHED)
    if not words:
        return f"{found.total():,} {ANOMALY_GLYPH}" if found else ""
    return ", ".join(f"{found[kind]:,} {kind.lower()}" for kind in UNWATCHED if found[kind])


def _alarm(snapshot: Snapshot, colours: Colours, stale: bool) -> Text:
    """The anomalies, in the one colour that means it."""
    if stale and not snapshot.anomalies:
        return Text("anomalies unknown", style=colours["dim"])
    if not snapshot.anomalies:
        return Text("no anomalies", style=colours["dim"]) if snapshot.loaded else Text("")
    number = len(snapshot.anomalies)
    orphans = all(row.kind is AnomalyKind.ORPHAN for row in snapshot.anomalies)
    what = counted(number, "orphan" if orphans else "anomaly")
    return Text(f" {ANOMALY_GLYPH} {what} ", style=colours["alarm"])


def _health(snapshot: Snapshot, colours: Colours, *, wide: bool) -> Text:
    if snapshot.link is Link.CONNECTING:
        return Text("connecting …", style=colours["pending"])
    parts = [_dependency("db", snapshot.database, colours), _dependency("redis", snapshot.redis, colours)]
    if snapshot.loaded and snapshot.link is Link.LIVE and not snapshot.capacity.leader:
        parts.append(Text("✗ no scheduler", style=colours["bad"]))
    elif snapshot.loaded and snapshot.link is Link.LIVE and wide:
        parts.append(Text("● scheduler ok", style=colours["good"]))
    parts += _lag(snapshot, colours)
    return Text("  ").join(parts)


def _unknown_health(snapshot: Snapshot, colours: Colours) -> Text:
    """What can be said of the servers when nothing is heard: that the database is down, where it said so."""
    down = snapshot.link is Link.LOST
    database = Text("✗ db down", style=colours["bad"]) if down else Text("? db unknown", style=colours["pending"])
    return Text("  ").join([database, Text("? redis unknown", style=colours["pending"])])


def _lag(snapshot: Snapshot, colours: Colours) -> list[Text]:
    """How long the oldest granted job waits for its worker; said only when that is not as it should be."""
    lag = snapshot.rates.doorbell_lag
    if snapshot.link is not Link.LIVE or lag < LAG_SLOW:
        return []
    return [Text(f"◔ queue lag {format_duration(lag)}", style=colours["bad" if lag >= LAG_BAD else "pending"])]


def _dependency(name: str, health: Health, colours: Colours) -> Text:
    if not health.ok:
        return Text(f"✗ {name} down", style=colours["bad"])
    slow = f" {health.milliseconds:.0f}ms" if health.milliseconds >= 50 else ""
    return Text(f"● {name} ok{slow}", style=colours["pending"] if slow else colours["good"])


def is_stale(snapshot: Snapshot, age: float | None) -> bool:
    """Return whether the rows on the screen are of the past: the link is lost, or nothing has come for ``age`` s."""
    hangs = snapshot.link is Link.LIVE and age is not None and age > STALE_AFTER
    return snapshot.link is Link.LOST or hangs


def banner(snapshot: Snapshot, age: float | None, now: float) -> str:
    """Say that what is shown is old, and when the next attempt comes; empty when all is well.

    ``age`` is how many seconds ago the last data came, ``now`` is time.monotonic().
    """
    kept = "no data yet" if not snapshot.loaded else f"data of {age or 0:.0f}s ago"
    if snapshot.link is Link.LOST:
        seconds = max(0.0, snapshot.retry_at - now)
        again = f"trying again in {seconds:.0f}s" if seconds >= 1 else "trying again"
        return f"STALE, {kept}, {again} — {snapshot.database.message}"
    if is_stale(snapshot, age):
        return f"STALE, {kept} — the database does not answer"
    if snapshot.link is Link.LIVE and not snapshot.redis.ok and snapshot.loaded:
        return f"redis does not answer, new jobs start slower — {snapshot.redis.message}"
    return ""
