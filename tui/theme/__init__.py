"""Colours, and how each state looks."""
