"""The line of commands that ``:`` opens: screens, keys, actions on any job, filter, theme, copy, export, open."""
