#!/bin/sh
# Makes .venv and fills it from the locks: `setup.sh run` for the bot alone, `setup.sh dev` for working on it.
# Uses uv if it is on the PATH, plain venv and pip if not. Called by make.
set -eu

what=${1:?say run or dev}
case $what in
    run) lock=requirements.lock ;;
    dev) lock=requirements-dev.lock ;;
    *) echo "setup: say run or dev, not '$what'" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
python=.venv/bin/python

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

has_uv() {
    command -v uv >/dev/null 2>&1
}

# A venv is kept if it runs, was made in this very folder (its programs name it), and can be installed into: one left
# half made, or by a uv that has gone, cannot.
usable() {
    new_enough $python && [ "$(cat .venv/.at 2>/dev/null || pwd -P)" = "$(pwd -P)" ] &&
        { has_uv || $python -m pip --version >/dev/null 2>&1; }
}

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if [ -n "$candidate" ] && new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

no_python() {
    cat >&2 <<'WORDS'
setup: this needs Python 3.11 or newer, and none was found on the PATH.
  Debian, Ubuntu:   sudo apt-get install python3 python3-venv
  macOS:            brew install python
  elsewhere:        https://www.python.org/downloads/
If it is somewhere else, say where:  PYTHON=/path/to/python3 make ...
WORDS
    exit 1
}

no_venv() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    cat >&2 <<WORDS
setup: $1 (Python $version) cannot make a virtual environment: its module ensurepip is missing.
Debian and Ubuntu ship it apart:
  sudo apt-get install python3-venv        (or, for this very Python: python$version-venv)
Or install uv, which needs neither:  https://docs.astral.sh/uv/
WORDS
    exit 1
}

make_venv() {
    base=$(find_python)
    rm -rf .venv
    if has_uv; then
        # without a Python of its own to point to, uv brings one
        uv venv --quiet --no-project --python "${base:-3.13}" .venv
    else
        [ -n "$base" ] || no_python
        "$base" -c 'import ensurepip, venv' >/dev/null 2>&1 || no_venv "$base"
        "$base" -m venv .venv
    fi
}

# pip reads the index of one package after the other. So without uv on the PATH the pinned one is installed first, which
# takes a third of the time; where it does not run or does not reach the index, pip does it all.
bring_uv() {
    awk '/^uv==/ { print; inside = 1; next } inside && /^ / { print; next } { inside = 0 }' requirements-dev.lock \
        >.venv/uv.lock 2>/dev/null
    [ -s .venv/uv.lock ] && pip_install --require-hashes -r .venv/uv.lock >/dev/null 2>&1
}

pip_install() {
    $python -m pip --disable-pip-version-check --quiet --quiet install "$@"
}

install() {
    if [ "$by" != pip ] && "$uv" pip install --quiet --python $python "$@"; then
        return
    fi
    [ -n "$own_uv" ] || [ "$by" = pip ] || return 1
    by=pip
    pip_install "$@"
}

say() {
    echo "setup: $*" >&2
}

if ! usable; then
    say "1 of 3  creating .venv …"
    make_venv
fi
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS-1}" # a company's certificate authority is in the system's store, not in uv's
uv=$(command -v uv || true) own_uv='' by=uv
if [ -z "$uv" ]; then
    if bring_uv; then uv=.venv/bin/uv own_uv=yes; else by=pip; fi
fi
say "2 of 3  installing the packages of $lock for $($python --version), by $by; about 20 s …"
install --require-hashes -r requirements-build.lock -r $lock
say "3 of 3  installing the bot …"
# --no-build-isolation: the build tools come from their lock too, not from today's index
install --no-deps --no-build-isolation -e .
pwd -P >.venv/.at
touch .venv/.stamp-run
[ "$what" = run ] || touch .venv/.stamp-dev
