"""GitLab's detailed list."""

from holystone.adapters.registries.gitlab.listing import list_detailed
from tests.fuzz.scripted import REPOSITORY, Script, run

_ROW = (
    b'{"name":"v1","digest":"sha256:' + b"0" * 64 + b'","config_digest":"sha256:' + b"1" * 64 + b'","media_type":'
    b'"application/vnd.docker.distribution.manifest.v2+json","size_bytes":5,"created_at":"2026-11-29T05:06:41.123Z",'
    b'"published_at":"2026-11-29T05:06:41.123Z","referrers":[{"artifactType":"a/b","digest":"sha256:'
    + b"2" * 64
    + b'"}]}'
)
SEEDS = (
    b"[" + _ROW + b"]",
    b'200\nLink: </gitlab/v1/repositories/team/app/tags/list/?last=v1>; rel="next"\n\n['
    + _ROW
    + b"]\n%%\n["
    + _ROW.replace(b"v1", b"v2")
    + b"]",
    b'404\n\n{"errors":[{"code":"NAME_UNKNOWN"}]}',
)


def parse(data: bytes) -> None:
    run(list_detailed(Script(data).get, REPOSITORY))
