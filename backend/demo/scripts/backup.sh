#!/bin/sh
# Fails with exit code 3: what a script says on stderr is in its log.
echo "backing up to ${1:-/mnt/backup}"
sleep 1
echo "backup: ${1:-/mnt/backup} is not mounted" >&2
exit 3
