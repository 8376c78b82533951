"""The five lists, one job, and one log."""
