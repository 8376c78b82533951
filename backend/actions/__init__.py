"""What operators do to jobs and nodes: planned, judged again, done, and written to the audit."""
