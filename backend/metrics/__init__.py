"""What Prometheus scrapes: read from the database, so that any one process can serve it for the whole installation."""
