#!/bin/sh
# Keep a worker running where there is no systemd, above all as process 1 of a container: when the worker dies, its jobs
# live on beside it and the next one takes them over. With the worker itself as process 1 they would all die with it.
# TERM or INT stops the worker and this script; the jobs are then left alone (a container that stops ends them).
# The arguments are those of `jobwarden worker`.

pause=1
worker=

stop() {
    trap '' TERM INT
    [ -n "$worker" ] && kill -TERM "$worker" 2>/dev/null && wait "$worker"
    exit 0
}
trap stop TERM INT

while :; do
    jobwarden worker "$@" &
    worker=$!
    wait "$worker"
    status=$?
    worker=
    # 2 is a wrong setting: trying again would say the same for ever.
    [ "$status" -eq 2 ] && exit 2
    echo "keep-worker: the worker ended with status $status, starting it again in $pause s" >&2
    sleep "$pause" &
    wait $!
done
