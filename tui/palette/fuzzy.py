"""Which commands a few typed letters may mean."""

from collections.abc import Sequence

from tui.palette.commands import Command


def best(text: str, known: Sequence[Command]) -> list[Command]:
    """Return the commands whose words have the letters in this order, the likeliest first."""
    letters = text.lower().replace(" ", "")
    scored = [(points, command) for command in known if (points := score(letters, command.words)) is not None]
    return [command for _, command in sorted(scored, key=lambda one: one[0])]


def score(letters: str, words: str) -> int | None:
    """Say how far ``words`` are from what was typed: 0 for its beginning, more for every gap; None for no match.

    >>> score("ki", "kill"), score("kl", "kill"), score("th", "export json")
    (0, 1, None)
    """
    points, at = 0, 0
    for letter in letters:
        found = words.find(letter, at)
        if found < 0:
            return None
        starts_word = found == 0 or words[found - 1] == " "
        points += 0 if found == at else 1 if starts_word or at else 5 + found
        at = found + 1
    return points
