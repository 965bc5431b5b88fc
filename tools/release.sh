#!/bin/sh
# Builds a release in dist: the wheel, its SBOM, the image and checksums, signed when there is a key. Called by `make release`.
# With TAG=v1.2.3 it refuses a version that is not the tag's. RELEASE_KEY is the GPG key that signs, IMAGE the image's name,
# ENGINE what builds it (tools/image.sh). PYTHON is the development .venv's.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' bot/__init__.py)
if [ -n "${TAG:-}" ] && [ "$TAG" != "v$version" ]; then
    echo "release: the tag is $TAG, bot/__init__.py says $version" >&2
    exit 1
fi
if ! grep -q "^## \[$version\]" CHANGELOG.md; then
    if [ -n "${TAG:-}" ]; then
        echo "release: CHANGELOG.md has no section [$version]" >&2
        exit 1
    fi
    echo "release: CHANGELOG.md has no section [$version] yet" >&2
fi
if [ -n "${RELEASE_KEY:-}" ] && ! gpg --batch --list-secret-keys "$RELEASE_KEY" >/dev/null 2>&1; then
    echo "release: gpg has no secret key $RELEASE_KEY, which RELEASE_KEY names" >&2
    exit 1
fi
# so that the same commit gives the same files
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH
rm -rf dist
mkdir dist
"$python" -m hatchling build --target wheel --directory dist
"$python" tools/sbom.py "dist/applivery_bot-$version.cdx.json"
sh tools/image_steps.sh all build/image
sh tools/image.sh "${IMAGE:-applivery-bot}:v$version" "dist/applivery-bot-$version.image.tar.gz"
(cd dist && sha256sum -- * >SHA256SUMS)
if [ -n "${RELEASE_KEY:-}" ]; then
    gpg --batch --yes --local-user "$RELEASE_KEY" --armor --detach-sign --output dist/SHA256SUMS.asc dist/SHA256SUMS
    gpg --batch --verify dist/SHA256SUMS.asc dist/SHA256SUMS
else
    echo "release: not signed: RELEASE_KEY names no key" >&2
fi
echo "release: $version"
cat dist/SHA256SUMS
