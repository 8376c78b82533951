"""Rules, open alerts, and who is told."""
