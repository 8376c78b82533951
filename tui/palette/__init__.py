"""The line where a command is typed."""
