"""The Textual application: start, keys in their order, notifications, a clean end."""
