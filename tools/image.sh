#!/bin/sh
# Builds the container image from the Dockerfile, starts its program once, and writes it to a file for `docker load`:
#   image.sh IMAGE:TAG FILE.tar.gz
# ENGINE is docker, podman, buildah or none; empty takes the first of them that works. Without one it says why and ends well.
set -eu
cd "$(dirname "$0")/.."
image=${1:?say the image and its tag}
file=${2:?say the file to write}

not_built() {
    echo "image: not built: $1" >&2
    exit "${2:-0}"
}

works() {
    command -v "$1" >/dev/null 2>&1 && "$1" info >/dev/null 2>&1
}

engine=${ENGINE:-}
case $engine in
    none) not_built "ENGINE is none" ;;
    "") for each in docker podman buildah; do if works "$each"; then engine=$each && break; fi; done ;;
    docker | podman | buildah) works "$engine" || not_built "$engine is not installed, or does not answer" 1 ;;
    *) not_built "ENGINE is '$engine', not docker, podman, buildah or none" 2 ;;
esac
[ -n "$engine" ] || not_built "docker, podman and buildah are not installed, or do not answer; on Debian: apt-get install buildah"

# chroot needs no runtime and no privileges beside root's or a user namespace; docker's format keeps the HEALTHCHECK.
with_buildah() {
    export BUILDAH_ISOLATION="${BUILDAH_ISOLATION:-chroot}"
    buildah bud --format docker --tag "$image" . || not_built "buildah failed" 1
    container=$(buildah from --pull-never "$image")
    buildah run "$container" -- applivery-bot --version || not_built "its program does not start" 1
    buildah rm "$container" >/dev/null
    buildah push --quiet "$image" "docker-archive:$unpacked:$image"
}

with_engine() {
    "$engine" build --tag "$image" . || not_built "$engine failed" 1
    "$engine" run --rm "$image" --version || not_built "its program does not start" 1
    "$engine" save --output "$unpacked" "$image"
}

unpacked=$(mktemp)
trap 'rm -f "$unpacked"' EXIT
rm -f "$unpacked" # the engines write no file that is there
if [ "$engine" = buildah ]; then with_buildah; else with_engine; fi
gzip --no-name --stdout "$unpacked" >"$file"
echo "image: $image by $engine, $(du -h "$file" | cut -f1), in $file"
