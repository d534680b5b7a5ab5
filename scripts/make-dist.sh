#!/bin/sh
# make-dist.sh BIN FOLDER: sdist, wheel, what they need as an SBOM (CycloneDX) and the hashes of the three, from the locks
# alone. The same sources give the same bytes, on any machine and day: whoever doubts a release builds it again.
set -eu
bin=$1 folder=$2
rm -rf "$folder"
umask 022
"$bin/python" -m build --no-isolation --outdir "$folder" . >"$folder.log" 2>&1 || {
    tail -20 "$folder.log" >&2
    exit 1
}
rm -f "$folder.log"
wheel=$(basename "$folder"/*.whl)
# Of clouds.txt: the wheel with each of its extras. Its warning is that a lock file says nothing of who needs whom.
"$bin/python" -W ignore -m cyclonedx_py requirements locks/clouds.txt --pyproject pyproject.toml --mc-type application \
    --output-reproducible --of JSON -o "$folder/${wheel%-py3-none-any.whl}.cdx.json"
(cd "$folder" && sha256sum -- * >SHA256SUMS && cat SHA256SUMS)
