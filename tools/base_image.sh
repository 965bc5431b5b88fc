#!/bin/sh
# Makes the image that the Dockerfile begins with out of Debian's packages, where no image registry is in reach.
# Needs root, debootstrap and buildah; the image is then in buildah's store, under the name in the Dockerfile.
set -eu
cd "$(dirname "$0")/.."
name=$(sed -n 's/^ARG PYTHON_IMAGE=//p' Dockerfile)
for program in debootstrap buildah; do
    if ! command -v "$program" >/dev/null 2>&1; then
        echo "base image: $program is missing; on Debian: apt-get install $program" >&2
        exit 1
    fi
done
if [ "$(id -u)" != 0 ]; then
    echo "base image: only root can make it" >&2
    exit 1
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Debian 13 has Python 3.13
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates trixie "$folder/root" ${MIRROR:+"$MIRROR"} >"$folder/log" 2>&1 ||
    { tail -n 5 "$folder/log" >&2; exit 1; }
# what this machine trusts, and where its pip looks
cp /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/"
if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$folder/root/etc/"; fi
rm -rf "$folder/root/var/cache/apt" "$folder/root/var/lib/apt/lists" "$folder/root/usr/share/doc" "$folder/root/usr/share/locale"
container=$(buildah from scratch)
buildah add --quiet "$container" "$folder/root" / >/dev/null
buildah config --cmd python3 --env PATH=/usr/local/bin:/usr/bin:/bin "$container"
buildah commit --quiet --rm "$container" "localhost/$name" >/dev/null
echo "base image: localhost/$name"
