#!/bin/sh
# Goes on when its worker is killed: an ORPHAN, with a helper of its own. Ends by itself after ten minutes.
sleep 605 &
helper=$!
second=0
while [ $second -lt 600 ]; do
    echo "still here after $second s (helper $helper)"
    second=$((second + 5))
    sleep 5
done
kill $helper 2>/dev/null
exit 0
