"""Windows to choose from a list: columns, the order, saved views."""
