"""Who runs next, and where: one leader allocates for all nodes."""
