"""The checks of ``jobwarden health``."""
