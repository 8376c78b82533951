"""Processes of the kernel: which one it is, starting it behind the shim, and ending all of it."""
