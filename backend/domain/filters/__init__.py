"""The language of filters: jobs, short lists, and what can be completed."""
