"""Which waiting job gets which node."""
