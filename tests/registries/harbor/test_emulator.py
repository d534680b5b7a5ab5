"""Harbor's emulator itself, where the adapter never goes."""

from pathlib import Path

import pytest

from tests.emulators.harbor import GUEST
from tests.registries.harbor.connected import ABSENT, put, served


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/api/v2.0/projects/shop/repositories/team%252Fapp/artifacts?page_size=101", 422, "UNPROCESSABLE"),
        ("GET", "/api/v2.0/projects/shop/repositories/team%2Fapp/artifacts", 404, "NOT_FOUND"),
        ("GET", "/v2/shop/team/app/tags/list?n=1", 200, '["v1"]'),
        ("GET", f"/v2/shop/team/app/referrers/{ABSENT}", 200, '"manifests":[]'),
        ("GET", "/v2/shop/team/app/referrers/sha256:12", 400, "BAD_REQUEST"),
        ("GET", "/api/v2.0/projects/shop", 200, '"name":"shop"'),
        ("DELETE", "/v2/shop/team/app/manifests/v1", 400, "UNSUPPORTED"),
        ("GET", "/api/v2.0/projects/shop/repositories/team%252Fapp/artifacts/v1", 200, '"Labels":{"text":"one"}'),
    ],
)
async def test_the_emulator_is_as_strict_as_harbor(
    tmp_path: Path, method: str, path: str, status: int, text: str
) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        reply = await session.http.request(method, path, lane=session.reads, limit=100_000)
        assert reply.status == status
        assert text in reply.body.decode()


def test_a_guest_has_no_right_to_delete() -> None:
    assert not any("delete" in right for right in GUEST)
