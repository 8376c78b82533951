"""``python -m backend.cli``: the command without its console script."""

from backend.cli.root import main

main()
