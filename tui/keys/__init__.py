"""Every key there is, in one table."""
