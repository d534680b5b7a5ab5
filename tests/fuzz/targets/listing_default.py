"""`tags/list` and the referrers of the OCI distribution API."""

from holystone.adapters.registries.default.registry import OciRegistry
from holystone.engine.model.references import Digest
from tests.fuzz.scripted import HOST, LANE, REPOSITORY, Script, run

SEEDS = (
    b'200\nLink: </v2/team/app/tags/list?last=b>; rel="next"\n\n{"name":"team/app","tags":["a","b"]}\n%%\n'
    b'{"name":"team/app","tags":["c"]}',
    b'404\n\n{"errors":[{"code":"NAME_UNKNOWN"}]}',
    b'{"name":"other","tags":null}\n%%\n{"name":"other","tags":null}',
    b'{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"sha256:' + b"0" * 64 + b'","size":1}]}',
)


def parse(data: bytes) -> None:
    run(OciRegistry(HOST, Script(data).http, LANE, LANE).open(REPOSITORY).list_tags())
    run(OciRegistry(HOST, Script(data).http, LANE, LANE).open(REPOSITORY).referrers(Digest("sha256:" + "1" * 64)))
