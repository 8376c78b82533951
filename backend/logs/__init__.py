"""From the file of a log to rows that are safe to show, however large it is."""
