"""Health: whether the installation does its work, asked of every part at once and answered in bounded time."""
