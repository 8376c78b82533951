"""The lines on top of every screen."""
