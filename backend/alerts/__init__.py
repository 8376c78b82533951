"""Rules that tell somebody: measured by the workers, kept in the database, delivered to a command and a webhook."""
