#!/bin/sh
# From a bare Debian machine to two ready replicas on PostgreSQL, against the fake Slack and the fake Applivery; prints the
# seconds of each step, and removes everything again.
#   two_replicas.sh [REPOSITORY]
# Clones the repository (this one), installs it with empty caches, and makes a PostgreSQL server of its own. As root it
# installs what apt-get has; else PostgreSQL must be there.
set -eu
repository=${1:-$(cd "$(dirname "$0")/.." && pwd -P)}
work=$(mktemp -d)
chmod 755 "$work"
mkdir "$work/cache"
export UV_CACHE_DIR="$work/cache/uv" PIP_CACHE_DIR="$work/cache/pip"
began=$(date +%s)
last=$began
pids=""

step() {
    now=$(date +%s)
    printf '%4d s  %s\n' $((now - last)) "$1"
    last=$now
}

as_postgres() {
    if [ "$(id -u)" = 0 ]; then su postgres -s /bin/sh -c "$1"; else sh -c "$1"; fi
}

finish() {
    # the bots end before what they talk to
    for pid in $pids; do
        if kill "$pid" 2>/dev/null; then wait "$pid" 2>/dev/null || true; fi
    done
    if [ -d "$work/postgres/data" ]; then as_postgres "'$programs/pg_ctl' -D '$work/postgres/data' -m immediate stop" >/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

if [ "$(id -u)" = 0 ]; then
    lacking=""
    for package in git make python3 python3-venv postgresql; do
        dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || lacking="$lacking $package"
    done
    if [ -n "$lacking" ]; then
        apt-get update --quiet --quiet
        # shellcheck disable=SC2086  # several words
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends $lacking >/dev/null
    fi
    step "apt-get install:${lacking:- nothing was lacking}"
fi

git clone --quiet "$repository" "$work/applivery-bot"
cd "$work/applivery-bot"
step "git clone"

make --no-print-directory .venv/.stamp-run >/dev/null 2>&1
step "install, as make run does"

programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
mkdir "$work/postgres"
if [ "$(id -u)" = 0 ]; then chown postgres "$work/postgres"; fi
as_postgres "'$programs/initdb' -D '$work/postgres/data' --username=bot --auth=trust" >/dev/null
port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as_postgres "'$programs/pg_ctl' -D '$work/postgres/data' -l '$work/postgres/log' -w -o '-p $port -k $work/postgres' start" >/dev/null
as_postgres "'$programs/createdb' -h 127.0.0.1 -p $port -U bot bot"
step "a PostgreSQL server and its database"

# the fake Slack and Applivery write the settings that the bot needs
.venv/bin/python - "$work/settings" <<'PROGRAM' >/dev/null 2>&1 &
import asyncio, pathlib, sys
from sandbox.demo import DemoEnvironment

async def main() -> None:
    sandbox = await DemoEnvironment.open(None)
    lines = [f"{name}={value}\n" for name, value in sandbox.environment().items()]
    file = pathlib.Path(sys.argv[1])
    file.with_suffix(".part").write_text("".join(lines))
    file.with_suffix(".part").rename(file)
    await asyncio.Event().wait()

asyncio.run(main())
PROGRAM
fakes=$!
pids="$fakes"
until [ -e "$work/settings" ]; do
    kill -0 "$fakes" || exit 1
    sleep 0.1
done
step "the fake Slack and the fake Applivery"

grep -v '^\(PORT\|HOST\|DATABASE_URL\)=' "$work/settings" >.env
for number in 1 2; do
    http=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    DATABASE_URL="postgresql://bot@127.0.0.1:$port/bot" REPLICAS=2 HOST=127.0.0.1 PORT="$http" \
        .venv/bin/applivery-bot run >"$work/log$number" 2>&1 &
    pids="$! $pids"
    addresses="${addresses:-} http://127.0.0.1:$http/readyz"
done
for address in $addresses; do
    for _ in $(seq 600); do
        if .venv/bin/python -c "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])" "$address" 2>/dev/null; then continue 2; fi
        sleep 0.2
    done
    echo "two replicas: $address is not ready" >&2
    cat "$work"/log? >&2
    exit 1
done
step "two replicas, both ready"
echo "$(($(date +%s) - began)) s in all"
