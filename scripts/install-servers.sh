#!/bin/sh
# Installs the real servers and clients that the tests run against, where this may be done: Debian's packages, and
# Go programs into a folder of their own, $HOLYSTONE_SERVERS or ~/.cache/holystone-servers. With `all` also those that
# only `make real` needs, with `bench` those that only `make bench` does.
set -eu
here=$(dirname "$0")

debian() {
    missing=
    for program in docker-registry skopeo $([ "${1:-}" != bench ] || echo wrk); do
        command -v "$program" >/dev/null || missing="$missing $program"
    done
    [ -n "$missing" ] || return 0
    . "$here/as-root.sh"
    # RUNLEVEL=1 keeps the package from starting a registry of its own on this machine.
    if command -v apt-get >/dev/null && may_install "${missing# }" &&
        echo "Installing$missing …" >&2 &&
        as_root apt-get update -qq >&2 &&
        as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
    then
        return 0
    fi
    echo "Not installed:$missing. HOLYSTONE_INSTALL=yes lets this script do it, or run: sudo apt-get install$missing" >&2
    if [ -n "${CI:-}" ]; then exit 1; fi
    echo "Until then the tests that need them are skipped." >&2
}

go_programs() {
    folder=${HOLYSTONE_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/holystone-servers}
    while read -r name version source; do
        program="$folder/$name-$version"
        [ ! -x "$program" ] || continue
        [ "$name" != cuelabs ] || [ "${1:-}" = all ] || continue
        [ "$name" != regctl ] || [ "${1:-}" = bench ] || continue
        if ! command -v go >/dev/null; then
            echo "There is no Go toolchain to install $name with; the tests that need it are skipped." >&2
            continue
        fi
        echo "Installing $name $version …" >&2
        built=$(mktemp -d) && mkdir "$built/bin"
        case $source in
        *@*) GOBIN=$built/bin go install "$source" ;;
        *) (cd "$source" && go build -o "$built/bin/") ;;
        esac >"$built/log" 2>&1 || {
            tail -3 "$built/log" >&2
            echo "$name could not be installed; the tests that need it are skipped." >&2
            rm -rf "$built"
            continue
        }
        mkdir -p "$folder"
        mv "$built"/bin/* "$program"
        rm -rf "$built"
    done <tests/real/go-servers.txt
}

debian "$@"
cd "$here/.."
go_programs "$@"
