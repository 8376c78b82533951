"""Connections, locks, roles and the schema of PostgreSQL."""
