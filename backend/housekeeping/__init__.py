"""Removes and archives what is old."""
