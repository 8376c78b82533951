"""The line that names the screens."""
