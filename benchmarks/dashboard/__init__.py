"""The dashboard in a real terminal with real servers: how soon it answers, and what it costs while nothing happens."""
