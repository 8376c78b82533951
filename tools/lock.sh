#!/bin/sh
# Writes the locks anew from pyproject.toml: exact versions with the hashes of every platform's files. Needs pip-tools,
# and should run on the oldest Python that is supported (3.11.0 to 3.11.2 need async-timeout, later ones do not):
# PIP_COMPILE names another pip-compile than the one found. The comment at the head of each file is kept.
set -eu
cd "$(dirname "$0")/.."

lock() {
    file=$1
    shift
    head=$(sed -n '/^#/!q;p' "$file")
    ${PIP_COMPILE:-pip-compile} --quiet --generate-hashes --no-strip-extras --allow-unsafe --no-header \
        --no-emit-index-url --no-emit-find-links --output-file "$file" "$@" pyproject.toml
    printf '%s\n%s\n' "$head" "$(cat "$file")" > "$file.new"
    mv "$file.new" "$file"
}

# The packages of a lock as constraints for the next one: pip takes none that have extras.
versions() {
    sed 's/^\([^ ]*\)\[[^]]*\]==/\1==/' "$1" > "$constraints"
}

constraints=$(mktemp)
trap 'rm -f "$constraints"' EXIT
lock requirements.lock
versions requirements.lock
lock requirements-dev.lock --extra dev --constraint "$constraints"
versions requirements-dev.lock
lock requirements-build.lock --only-build-deps --build-deps-for wheel --constraint "$constraints"
