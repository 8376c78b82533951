"""Text that any table takes: what the world says is not always that."""

MOST = 4000
"""Characters that are kept of a message."""


def storable(text: str, most: int = MOST) -> str:
    """``text`` without what PostgreSQL refuses (NUL, halves of characters), cut to ``most`` characters."""
    clean = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"
