"""A monkey at the dashboard: random keys at a random pace on every screen, while jobs come and go."""
