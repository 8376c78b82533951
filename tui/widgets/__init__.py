"""Widgets, in one folder for each area of the screen and one module for each widget."""
