#!/bin/sh
# Succeeds: real work, the checksums of this host's programs of some letters.
find /usr/bin -maxdepth 1 -type f -name "${1:-a*}" -exec cksum {} +
