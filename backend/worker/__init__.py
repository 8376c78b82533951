"""The daemon of a node: recovers, launches, watches, ends and records jobs."""
