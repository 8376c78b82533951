"""The daemon of a node: launches, watches, ends, records and recovers its jobs."""
