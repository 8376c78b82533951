"""The end of the log of the selected job."""
