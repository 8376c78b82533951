"""Lines to type into."""
