#!/bin/sh
# make-venv.sh FOLDER LOCKFILE: a virtual environment with exactly what the lock file names, and this project in it.
set -eu
folder=$1 lock=$2
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Holystone needs Python 3.11 or newer; $python is $("$python" --version 2>&1). Name another with PYTHON=…" >&2
    exit 1
}
if [ ! -x "$folder/bin/pip" ]; then
    rm -rf "$folder"
    if ! "$python" -m venv "$folder" >/dev/null 2>&1; then
        # Debian ships the venv module's other half in a package of its own.
        . "$(dirname "$0")/as-root.sh"
        if ! may_install python3-venv || ! { as_root apt-get update -qq >&2 || true; } ||
            ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv >/dev/null ||
            ! "$python" -m venv "$folder"; then
            echo "No virtual environment can be made here. Run: sudo apt-get install python3-venv" >&2
            echo "(HOLYSTONE_INSTALL=yes lets this script do it.)" >&2
            exit 1
        fi
    fi
fi
echo "Installing the packages of $lock …" >&2
# The locks name every package; older pips resolve again, and stumble over extras. What builds this project is locked as
# well: an isolated build would fetch it anew, unchecked.
install() { "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps "$@"; }
install --require-hashes -r "$lock"
install --require-hashes -r locks/build.txt
install --no-build-isolation --editable .
