"""The columns of every list that is held as a whole, as data."""
