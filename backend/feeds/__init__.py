"""Threads that keep a screen current."""
