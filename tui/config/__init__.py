"""Preferences, key map, and what is kept from one run to the next."""
