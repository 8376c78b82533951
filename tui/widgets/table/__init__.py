"""A table of any number of rows."""
