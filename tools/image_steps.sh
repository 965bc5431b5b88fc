#!/bin/sh
# The steps of the container image, one name each; the Dockerfile, `make image-steps` and the tests run these same lines.
#   install PREFIX          a fresh environment with exactly what requirements.lock names, hashes checked, wheels only
#   package PREFIX          build this project's wheel with the locked build tools and put it in
#   prove PREFIX            the program starts, with nothing but PREFIX on the PATH and no installer inside
#   all PREFIX              the three above
#   seal PYTHON DATA UID    take the installers out of a Python, and make the data folder that only UID may open
# PYTHON (default python3) is the Python that the environment is made of. CA_FILE (default: the build's secret `ca`) has
# certificates to trust beside the machine's own, for packages that come through a proxy which inspects TLS.
set -eu
base=${PYTHON:-python3}
root=$(cd "$(dirname "$0")/.." && pwd -P)
# the venv must remember the Python, not a name relative to where we stand
case $base in */*) base=$(cd "$(dirname "$base")" && pwd -P)/$(basename "$base") ;; esac

absolute() {
    mkdir -p "$1"
    (cd "$1" && pwd -P)
}

# pip and the build tools live beside PREFIX, so nothing has to be taken out of it afterwards.
tools() {
    if [ ! -x "$1.tools/bin/hatchling" ]; then
        rm -rf "$1.tools"
        "$base" -m venv "$1.tools"
        pip "$1" install --require-hashes -r "$root/requirements-build.lock"
    fi
}

pip() {
    _tools=$1.tools
    shift
    "$_tools/bin/python" -m pip --disable-pip-version-check --quiet --quiet "$@"
}

# https://pip.pypa.io/en/stable/topics/https-certificates/: PIP_CERT replaces what pip trusts, so it gets both.
trust_company() {
    [ -s "$1" ] || return 0
    bundle=$(mktemp)
    trap 'rm -f "$bundle"' EXIT
    cat /etc/ssl/certs/ca-certificates.crt "$1" >"$bundle" 2>/dev/null || cat "$1" >"$bundle"
    export PIP_CERT="$bundle" REQUESTS_CA_BUNDLE="$bundle" # the second wins where it is set
}

install_step() {
    trust_company "${CA_FILE:-/run/secrets/ca}"
    rm -rf "$1"
    "$base" -m venv --without-pip "$1"
    tools "$1"
    pip "$1" --python "$1/bin/python" install --require-hashes --only-binary :all: -r "$root/requirements.lock"
}

package_step() {
    tools "$1"
    rm -rf "$1.dist"
    (cd "$root" && "$1.tools/bin/python" -m hatchling build --target wheel --directory "$1.dist")
    pip "$1" --python "$1/bin/python" install --no-deps --no-index --force-reinstall "$1.dist"/*.whl
    # not quietly: it says which lock is behind pyproject.toml
    "$1.tools/bin/python" -m pip --disable-pip-version-check --python "$1/bin/python" check
}

prove_step() {
    cd / # a checkout in the way would be imported instead
    for forbidden in pip setuptools hatchling; do
        if "$1/bin/python" -I -c "import $forbidden" >/dev/null 2>&1; then
            echo "image: $forbidden is in $1" >&2
            exit 1
        fi
    done
    env -i PATH="$1/bin" HOME=/nonexistent LANG=C.UTF-8 "$1/bin/applivery-bot" --help >/dev/null
    echo "image: $1 starts"
}

seal_step() {
    for name in pip setuptools wheel pkg_resources _distutils_hack; do
        rm -rf "$1"/lib/python3*/site-packages/"$name" "$1"/lib/python3*/site-packages/"$name"-*.dist-info
    done
    rm -rf "$1"/lib/python3*/site-packages/distutils-precedence.pth "$1"/lib/python3*/ensurepip
    rm -f "$1"/bin/pip "$1"/bin/pip3*
    mkdir -p "$2"
    chmod 700 "$2"
    if [ "$(id -u)" = 0 ]; then chown "$3:$3" "$2"; fi
}

step=${1:?say a step: install, package, prove, all or seal}
case $step in
    install | package | prove) "${step}_step" "$(absolute "${2:?say the folder of the program}")" ;;
    all)
        prefix=$(absolute "${2:?say the folder of the program}")
        install_step "$prefix"
        package_step "$prefix"
        prove_step "$prefix"
        ;;
    seal) seal_step "${2:?say the Python to take the installers out of}" "${3:?say the data folder}" "${4:?say the user id}" ;;
    *) echo "image: there is no step '$step'" >&2; exit 2 ;;
esac
