"""Every key of every screen, as data: one module for each screen or widget that has keys."""
