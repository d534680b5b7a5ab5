"""Azure's lists."""

from holystone.adapters.registries.acr.registry import AcrRegistry
from tests.fuzz.scripted import HOST, LANE, REPOSITORY, Script, run

_ROW = (
    b'{"name":"v1","digest":"sha256:' + b"0" * 64 + b'","createdTime":"2026-11-29T05:06:41.1234567Z","lastUpdateTime":'
    b'"2026-11-29T05:06:41.1234567Z","signed":false,"changeableAttributes":{"deleteEnabled":true,"writeEnabled":true,'
    b'"readEnabled":true,"listEnabled":true}}'
)
_ABOUT = (
    b'{"registry":"registry.example","imageName":"team/app","manifestCount":1,"tagCount":2,"changeableAttributes":{}}'
)
_TAGS = b'{"registry":"registry.example","imageName":"team/app","tags":[' + _ROW + b"]}"
SEEDS = (
    _TAGS,
    b"\n%%\n".join(
        (
            _TAGS,
            _ABOUT,
            b'{"imageName":"team/app","manifests":[{"digest":"sha256:' + b"0" * 64 + b'","tags":["v1","v2"]}]}',
        )
    ),
    b"\n%%\n".join((_ABOUT, _TAGS)),
)


def parse(data: bytes) -> None:
    run(AcrRegistry(HOST, Script(data).http, LANE, LANE, credential="nobody").open(REPOSITORY).list_tags())
