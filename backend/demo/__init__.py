"""``jobwarden up --demo``: real jobs of every kind, and a worker that was killed while it ran some."""

from jobwarden.backend.demo.demo import start

__all__ = ["start"]
