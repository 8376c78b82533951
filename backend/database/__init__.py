"""PostgreSQL: connections, schema and its migrations, advisory locks, wake-ups."""
