"""What a person set and what the dashboard remembers: settings, key map, themes, state of each view."""
