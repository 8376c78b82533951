"""The virtual table: draws only what is on screen, whatever the number of rows."""
