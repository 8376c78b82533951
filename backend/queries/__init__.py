"""Every reading of the database; ``sql`` has the statements."""
