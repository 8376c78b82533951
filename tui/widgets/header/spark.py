"""A series of numbers in one line of text."""

from collections.abc import Sequence

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
