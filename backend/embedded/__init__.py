"""An installation in one directory: its own PostgreSQL and Valkey, and who may use them."""
