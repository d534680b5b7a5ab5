"""Quay's list of tags."""

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.quay.listing import list_by_api, list_by_registry
from tests.fuzz.scripted import REPOSITORY, Script, run

_ROW = (
    b'{"name":"v1","manifest_digest":"sha256:'
    + b"0" * 64
    + b'","start_ts":1790000000,"end_ts":1800000000,"immutable":true}'
)
SEEDS = (
    b'200\nDate: Sun, 29 Nov 2026 05:06:41 GMT\n\n{"tags":[' + _ROW + b'],"page":1,"has_additional":false}',
    b'{"tags":['
    + _ROW
    + b'],"has_additional":true}\n%%\n{"tags":['
    + _ROW
    + b'],"has_additional":false}\n%%\n{"tags":['
    + _ROW
    + b'],"has_additional":false}',
)


def parse(data: bytes) -> None:
    script = Script(data)

    async def page(number: int, size: int) -> Reply:
        return await script.get(f"/api/v1/repository/team/app/tag/?page={number}&limit={size}")

    run(list_by_api(REPOSITORY, page))
    run(list_by_registry(REPOSITORY, 100, Script(data).get))
