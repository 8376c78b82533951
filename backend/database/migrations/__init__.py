"""Alembic's environment; ``sql`` has the statements."""
