"""How much happens: jobs started, completed and failed by minute."""

from collections.abc import Mapping

from backend.readmodel.snapshot import Rates
from tui.text import Text
from tui.widgets.header.spark import spark

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
