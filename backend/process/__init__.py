"""Processes of the kernel: which one it is, starting it behind its supervisor, and ending all of it."""
