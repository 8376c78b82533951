"""How long a dead worker goes unnoticed, and whether a live one is ever called dead."""
