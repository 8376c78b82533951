"""What a question before an action says."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tui.acting.records import Item, Question
from tui.text import Text

LISTED = 200
"""Victims that are listed one by one."""
GROUPED_ABOVE = 6
"""Victims above which the window begins with how many of which kind there are."""
NAMED = 12
"""Keys that are named with a reason that several share."""


def heading(question: Question) -> Text:
    """Return ``Kill 1 job?`` or ``Set the priority of 1 job?``, with the number that is left alone."""
    number, left = len(question.items), len(question.left_alone)
    label = question.label.capitalize()
    if not number:
        return Text(f"{label}: nothing that can be done", style="bold")
    label = f"Set the {question.takes} of" if question.takes else label
    text = Text(f"{label} {counted(number, question.noun)}?", style="bold")
    return text.append(f"   {left:,} left alone", style="not bold dim") if left else text


def leaving(question: Question) -> str:
    """Return what Esc does: the usual word, unless the question is about cancelling something itself.

    >>> item = Item("7", "train", happens="TERM, 30s later KILL; becomes CANCELLED")
    >>> leaving(Question("kill", "job", (Item("7", "train"),))), leaving(Question("cancel", "job", (item,)))
    ('cancel', 'go back')
    >>> leaving(Question("clean up", "job", (item,))), leaving(Question("kill", "job"))
    ('go back', 'close')
    """
    if not question.items and not question.forced:
        return "close"
    said = (question.label, *question.instead, *(item.happens for item in question.items))
    return "go back" if any("cancel" in words.lower() for words in said) else "cancel"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "job"), counted(1200, "node")
    ('1 job', '1,200 nodes')
    """
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def victims(question: Question) -> Text:
    """Return what happens to all alike or the groups, who it hits, and who is left alone with the reason."""
    parts = (gist(question), first_victim(question), other_victims(question))
    return Text("\n").join(part for part in parts if part.plain)


def gist(question: Question) -> Text:
    """Return what happens to all alike, or the groups of many, and what would do less harm."""
    alike = happens_to_all(question.items)
    lines = [Text.assemble((f"{'each':>7}", "bold"), f"  {alike}")] if alike else []
    if len(question.items) > GROUPED_ABOVE:
        lines += [*([] if alike else groups(question.items)), *where(question.items)]
    lines += [Text(line, style="bold") for line in question.instead]
    return Text("\n").join([*lines, Text(" ")] if lines else [])


def first_victim(question: Question) -> Text:
    """Return the first who it hits."""
    alike = happens_to_all(question.items)
    return Text("\n").join(line for item in question.items[:1] for line in item_lines(item, alike))


def other_victims(question: Question) -> Text:
    """Return the others who it hits, and who is left alone with the reason."""
    alike = happens_to_all(question.items)
    lines = [line for item in question.items[1:LISTED] for line in item_lines(item, alike)]
    if len(question.items) > LISTED:
        lines.append(Text(f"… and {len(question.items) - LISTED:,} more"))
    return Text("\n").join([*lines, *left_alone(question)])


def happens_to_all(items: Sequence[Item]) -> str:
    """Return what happens to several, when it is the same for each, so that it is said once; else nothing."""
    happens = {item.happens for item in items}
    return happens.pop() if len(items) > 1 and len(happens) == 1 else ""


def groups(items: Sequence[Item]) -> list[Text]:
    """Return one line for each thing that happens."""
    happens = Counter(item.happens.partition(" (")[0] for item in items)
    return [Text.assemble((f"{number:>7,}", "bold"), f"  {what}") for what, number in happens.most_common()]


def where(items: Sequence[Item]) -> list[Text]:
    """Return a line with the nodes, when there are any."""
    nodes = Counter(item.where.partition("  ")[0].removeprefix("on ") for item in items if item.where.startswith("on "))
    if not nodes:
        return []
    said = ", ".join(f"{node} {number:,}" for node, number in nodes.most_common(6))
    return [Text(f"         on {said}{' and more' if len(nodes) > 6 else ''}", style="dim")]


def item_lines(item: Item, said: str = "") -> list[Text]:
    """Return a victim in up to three lines: who, where and pid; its command line; what happens, unless it was said."""
    lines = [Text.assemble((f"{item.key}  {item.name}", "bold"), f"  {item.where}")]
    if item.command:
        lines.append(Text(f"  $ {item.command}"))
    return lines if item.happens == said else [*lines, Text(f"  {item.happens}", style="dim")]


def left_alone(question: Question) -> list[Text]:
    """Return the reasons, each with who it is about."""
    if not question.left_alone:
        return []
    reasons: dict[str, list[str]] = {}
    for key, reason in question.left_alone:
        reasons.setdefault(reason, []).append(key)
    lines = [Text(f"left alone: {counted(len(question.left_alone), question.noun)}", style="bold")]
    for reason, keys in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
        named = ", ".join(keys[:NAMED]) + (f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else "")
        lines.append(Text(f"  {named}  {reason}", style="dim"))
    return lines if not question.items else [Text(""), *lines]


def hanging(text: Text, width: int) -> Text:
    """Return the text with its lines broken at ``width`` cells, the rest of each further in than its beginning."""
    return Text("\n").join(row for line in text.split("\n", allow_blank=True) for row in _hung(line, width))


def _hung(line: Any, width: int) -> list[Any]:
    indent = len(line.plain) - len(line.plain.lstrip()) + 2
    rows, rest, room = [], line, width
    while rest.cell_len > room > 0:
        space = rest.plain.rfind(" ", 1, room + 1)
        cut = space if space > 0 else room
        rows.append(rest[:cut])
        rest = rest[cut + (space > 0) :]
        room = width - indent
    rows.append(rest)
    return [rows[0], *(Text(" " * indent).append_text(row) for row in rows[1:])]
