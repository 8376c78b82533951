#!/bin/sh
# Makes .venv with the locked packages and this checkout in it. Does nothing when that is already so.
# PYTHON names another interpreter than the one found; everything comes from the package index that pip uses.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "jobwarden: $1" >&2
    exit 1
}

# What the installation was made from, and where: a virtual environment does not survive being moved.
fingerprint() {
    cat requirements*.lock pyproject.toml hatch_build.py backend/process/shim.c backend/process/*.h tools/install.sh |
        cksum
    pwd -P
}

installed() {
    [ -x .venv/bin/jobwarden ] && [ -x backend/process/jobwarden-shim ] && [ -f .venv/installed ] &&
        [ "$(cat .venv/installed)" = "$(fingerprint)" ] && .venv/bin/python -c '' 2>/dev/null
}

# The first Python that is new enough and can make virtual environments (Debian packs that apart).
find_python() {
    seen=
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.11 python3.12 python3.13 python3.14; do
        command -v "$candidate" >/dev/null || continue
        if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
        version=$("$candidate" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
        seen="$seen${seen:+, }$candidate $version"
    done
    fail "needs Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv); found: ${seen:-none}"
}

find_compiler() {
    for candidate in ${CC:+"$CC"} cc gcc clang; do
        command -v "$candidate" >/dev/null && return
    done
    fail "no C compiler found: install one (Debian: apt-get install gcc libc6-dev)"
}

# How far pip is, over and over on one line of a terminal; elsewhere a line for every tenth package.
told=0
show_progress() {
    seen=$(grep -c '^Collecting ' .venv/installing) || seen=0
    if [ -t 1 ]; then
        if grep -q '^Installing ' .venv/installing; then what="putting them in place"; else what="packages"; fi
        printf '\r\033[Kjobwarden: %d of about %d %s' "$seen" "$packages" "$what"
    elif [ "$seen" -ge $((told + 10)) ]; then
        told=$seen
        echo "jobwarden: $seen of about $packages packages"
    fi
}

finish_progress() {
    if [ -t 1 ]; then printf '\r\033[K'; fi
    echo "jobwarden: installed"
    rm -f .venv/installing
}

installed && exit 0
case $(pwd -P) in
*[\$\`\"\\]*) fail "cannot be installed below a path with one of \$ \` \" \\ in it: pip's scripts break there" ;;
esac
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1
find_compiler
python=$(find_python)

if [ -f .venv/installed ] && [ "$(sed -n 2p .venv/installed)" != "$(pwd -P)" ]; then
    rm -rf .venv
elif [ -d .venv ] && ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf .venv
fi
rm -f .venv/installed
[ -d .venv ] || "$python" -m venv .venv
echo "jobwarden: installing into .venv with $(.venv/bin/python --version): about a minute"
packages=$(cat requirements.lock requirements-dev.lock | grep -c '^[a-z0-9].*==')
# Everything is locked, so nothing is looked for beside it: a newer release of anything cannot stop the installation.
.venv/bin/python -m pip install --require-hashes --no-deps --progress-bar off \
    --requirement requirements.lock --requirement requirements-dev.lock >.venv/installing &
pip=$!
trap 'kill $pip 2>/dev/null; exit 130' INT TERM # in the background it would not hear of ctrl-C
while kill -0 $pip 2>/dev/null; do
    sleep 1
    show_progress
done
wait $pip || { status=$?; tail -n 20 .venv/installing >&2; exit $status; }
trap - INT TERM
finish_progress
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
fingerprint > .venv/installed
