"""A state or a reason, and what is known of it, as one phrase."""


def with_message(word: str, message: str | None) -> str:
    """Return the word with the message behind it; what the message repeats of the word is said once.

    >>> with_message("CANCELLED", "cancelled: killed by SIGTERM"), with_message("TIMEOUT", "time limit reached")
    ('CANCELLED: killed by SIGTERM', 'TIMEOUT: time limit reached')
    """
    if not message:
        return word
    plain = word.replace("_", " ").lower()
    rest = message[len(plain) :]
    if message.lower().startswith(plain) and rest[:1] in ("", ":", " "):
        return f"{word}{rest}"
    return f"{word}: {message}"
