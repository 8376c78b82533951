"""The only place that changes the state of a job or ends an allocation."""
