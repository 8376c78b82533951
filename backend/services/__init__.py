"""How an installation comes up and goes down, and how a verb opens it."""
