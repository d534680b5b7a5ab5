"""Harbor's list of artifacts."""

from holystone.adapters.http.errors import summary
from holystone.adapters.registries.harbor.listing import read_artifacts
from holystone.engine.errors import IncompleteSource
from tests.fuzz.scripted import REPOSITORY, Script, run

_ROW = (
    b'{"digest":"sha256:'
    + b"0" * 64
    + b'","manifest_media_type":"application/vnd.oci.image.index.v1+json","push_time":'
    b'"2026-11-29T05:06:41.123Z","tags":[{"name":"v1","immutable":true}],"accessories":[{"digest":"sha256:'
    + b"1" * 64
    + b'"}]}'
)
SEEDS = (
    b"200\nX-Total-Count: 1\n\n[" + _ROW + b"]",
    b"200\nX-Total-Count: 101\n\n[" + _ROW + b"]\n%%\n200\nX-Total-Count: 101\n\n[]",
)


def parse(data: bytes) -> None:
    run(read_artifacts(REPOSITORY, Script(data).get, lambda reply: IncompleteSource(summary(reply))))
