#!/bin/sh
# Succeeds: real work, the checksums of what is in /bin.
find -L /bin -maxdepth 1 -type f -name "${1:-a*}" -exec cksum {} +
