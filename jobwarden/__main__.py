"""``python -m jobwarden``: the command without its console script."""

from jobwarden.backend.cli.main import main

main()
