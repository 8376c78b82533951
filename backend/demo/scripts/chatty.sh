#!/bin/sh
# Writes a lot, for a log to follow; some of it in colour.
round=1
while [ $round -le "${1:-20}" ]; do
    line=1
    while [ $line -le 50 ]; do
        echo "round $round, line $line: the quick brown fox jumps over the lazy dog"
        line=$((line + 1))
    done
    printf '\033[32mround %d is done\033[0m\n' $round
    round=$((round + 1))
    sleep 0.5
done
