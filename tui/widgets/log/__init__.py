"""The log of a job: rows, search, status."""
