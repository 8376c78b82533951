"""Housekeeping: stale allocations, old spool folders, and the archive of finished jobs."""
