#!/bin/sh
# make-image.sh BIN FOLDER: the wheel with its locked packages on Debian, as an OCI image layout in FOLDER/image, and what is in
# it as an SBOM (CycloneDX). No daemon and no base image: Debian's own packages, checked by its archive's keys. The same
# sources and the same versions of Debian's packages give the same bytes.
#
# The image has a shell, since CI jobs run in one, git and ssh for the clone, and no rights: user 65532, nothing setuid.
set -eu
bin=$(realpath "$1") folder=$(realpath -m "$2")
suite=trixie python=3.13
here=$(dirname "$0")

missing=
for program in mmdebstrap umoci; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
    . "$here/as-root.sh"
    may_install "${missing# }" && as_root apt-get update -qq >&2 &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null || {
        echo "Not installed:$missing. Run: sudo apt-get install$missing (HOLYSTONE_INSTALL=yes lets this script do it.)" >&2
        exit 1
    }
fi

"$here/make-dist.sh" "$bin" "$folder" >/dev/null
wheel=$(basename "$folder"/*.whl)
name=${wheel%-py3-none-any.whl} version=${wheel#holystone-} version=${version%%-*}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 315532800)
export SOURCE_DATE_EPOCH
case $(dpkg --print-architecture) in
amd64) platform=x86_64-manylinux_2_28 ;;
arm64) platform=aarch64-manylinux_2_28 ;;
*) echo "No wheels are published for $(dpkg --print-architecture)." >&2 && exit 1 ;;
esac

created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
"$bin/uv" pip install --quiet --no-config --target "$work/holystone" --python-version "$python" --python-platform "$platform" \
    --only-binary :all: --no-deps --require-hashes -r locks/clouds.txt
rm -rf "$work/holystone/bin" "$work/holystone/.lock"
"$bin/python" -m zipfile -e "$folder/$wheel" "$work/holystone"

cat >"$work/program" <<END
#!/usr/bin/python3 -P
import sys

sys.path.insert(0, "/opt/holystone")
from holystone.cli.start import main

sys.exit(main())
END
chmod 755 "$work/program"

# Byte code by hash, not by time: nobody can write it later, and it is the same each time.
mmdebstrap --quiet --variant=essential --include=python3-minimal,python3,git,openssh-client,ca-certificates,libstdc++6 \
    --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/gitweb/*' \
    --customize-hook="cp -r '$work/holystone' \"\$1/opt/holystone\"" \
    --customize-hook="cp '$work/program' \"\$1/usr/bin/holystone\"" \
    --customize-hook='chroot "$1" useradd -K UID_MAX=65533 --uid 65532 --user-group --create-home --home-dir /home/holystone holystone' \
    --customize-hook='chroot "$1" python3 -m compileall -q --invalidation-mode unchecked-hash /opt/holystone' \
    --customize-hook='rm -rf "$1"/var/log/* "$1"/var/cache/* "$1"/etc/*- "$1/etc/machine-id" "$1/var/lib/dbus"' \
    --customize-hook='find "$1/usr" "$1/var" "$1/etc" -perm /6000 -exec chmod a-s {} +' \
    "$suite" "$work/root.tar"

umoci init --layout "$work/image"
umoci new --image "$work/image:$version"
umoci raw add-layer --image "$work/image:$version" --history.created "$created" --history.author "" \
    --history.created_by scripts/make-image.sh "$work/root.tar"
umoci config --image "$work/image:$version" --no-history --created "$created" --config.user 65532:65532 \
    --config.entrypoint holystone --config.cmd=--help --config.workingdir /home/holystone \
    --config.env HOME=/home/holystone --config.env LANG=C.UTF-8 --config.env PYTHONDONTWRITEBYTECODE=1 \
    --config.env PATH=/usr/bin:/bin \
    --config.label org.opencontainers.image.title=holystone \
    --config.label "org.opencontainers.image.version=$version" \
    --config.label org.opencontainers.image.licenses=Apache-2.0
umoci gc --layout "$work/image"

# The wheel's SBOM knows the Python packages, dpkg's own list in the image the rest.
serial() { "$bin/python" -c 'import sys, uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, sys.argv[1]))' "$1/$version/$created"; }
sbom() { # sbom COMMAND NAME OUT ARGUMENT…
    command=$1 named=$2 out=$3 && shift 3
    "$bin/debsbom" "$command" -t cdx --distro-name "$named" --distro-version "$version" --timestamp "$created" \
        --cdx-serialnumber "$(serial "$named")" --out "$out" "$@" >/dev/null
}
sbom generate holystone-debian "$work/debian" --root "$work/root.tar"
sbom merge holystone-image "$folder/$name.image" "$work/debian.cdx.json" "$folder/$name.cdx.json"
mv "$work/image" "$folder/image"
