#!/bin/sh
# Succeeds: a few seconds of work, one line for each argument.
for picture in "$@"; do
    sleep 0.7
    echo "$picture -> thumbnails/$picture"
done
echo "done: $# pictures"
