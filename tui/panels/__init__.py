"""What is said of one thing: a job, a node, an anomaly, as text."""
