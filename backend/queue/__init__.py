"""The doorbell: the only place that knows RQ."""
