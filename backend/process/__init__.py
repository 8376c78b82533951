"""Processes of jobs: start them, know them again, read how they ended, end them. Knows nothing of the database."""
