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
        echo "Installing python3-venv …" >&2
        as_root apt-get update -qq >&2 || true
        if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv >/dev/null ||
            ! "$python" -m venv "$folder"; then
            echo "No virtual environment can be made here. Run: sudo apt-get install python3-venv" >&2
            exit 1
        fi
    fi
fi
echo "Installing the packages of $lock …" >&2
# The lock names every package; older pips resolve again, and stumble over extras.
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --editable .
