#!/bin/sh
# Installs the real servers and clients that the tests run against, where this may be done.
set -eu
missing=
for program in docker-registry skopeo; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
. "$(dirname "$0")/as-root.sh"
echo "Installing$missing …" >&2
# RUNLEVEL=1 keeps the package from starting a registry of its own on this machine.
if as_root true && command -v apt-get >/dev/null &&
    as_root apt-get update -qq >&2 &&
    as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
then
    exit 0
fi
echo "May not install$missing here. Run: sudo apt-get install$missing" >&2
if [ -n "${CI:-}" ]; then exit 1; fi
echo "Until then the tests that need them are skipped." >&2
