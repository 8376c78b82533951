"""The state machine: the only place where a job's state or an allocation changes."""
