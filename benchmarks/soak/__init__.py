"""A working installation under random faults for minutes, and a count of what went wrong: ``make soak``."""
