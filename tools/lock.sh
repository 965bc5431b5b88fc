#!/bin/sh
# Writes the three locks from pyproject.toml, with hashes, for every system and Python 3.11 and newer: `make lock`.
# Arguments go to `uv pip compile`: --upgrade, or --upgrade-package NAME.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .venv/bin/uv) # it is among the development dependencies
if [ ! -x "$uv" ]; then
    echo "lock: there is no uv; 'make lock' brings it" >&2
    exit 1
fi

compile() {
    out=$1
    shift
    "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file "$out" "$@"
    echo "lock: $out, $(grep -c '^[a-z0-9].*==' "$out") packages"
}

# Development first: the other two are parts of it, and one .venv must be able to hold them together.
compile requirements-dev.lock --group dev --group docs --group build "$@"
compile requirements.lock --constraints requirements-dev.lock
"$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" --output-file requirements-build.lock --group build --constraints requirements-dev.lock
echo "lock: requirements-build.lock, $(grep -c '^[a-z0-9].*==' requirements-build.lock) packages"
