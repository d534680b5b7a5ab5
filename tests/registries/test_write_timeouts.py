"""What a server locks for a deletion it locks for a push: undo must not give up where the run had patience."""

from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import REQUEST_TIMEOUT, RegistryHttp
from holystone.engine.model.references import Tag
from tests.contract.stands import EMULATORS, stand
from tests.support.command_line import hasty


@pytest.mark.parametrize("name", EMULATORS)
async def test_a_push_has_as_much_time_as_a_deletion(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, set[float]] = {"push": set(), "deletion": set()}
    request = RegistryHttp.request

    async def watched(self: RegistryHttp, method: str, path: str, **options: Any) -> Reply:
        bulk = "BatchDeleteImage" in str(options.get("headers"))
        if method == "PUT" or "/uploads/" in path:
            given["push"].add(options.get("timeout", REQUEST_TIMEOUT))
        elif method == "DELETE" or bulk:
            given["deletion"].add(options.get("timeout", REQUEST_TIMEOUT))
        return await request(self, method, path, **options)

    async with stand(name, tmp_path) as served:
        await served.image("kept", "keep")
        old = await served.image("old", "old")
        can = await served.session.probe()
        monkeypatch.setattr(RegistryHttp, "request", watched)
        with hasty():
            await served.session.list_tags()
            if can.tags:
                await served.session.delete_tags([Tag("old")])
            else:
                await served.session.delete_manifests([old.digest])
            await served.session.push_blob(b"something new")
            await served.session.push_manifest(Tag("old"), old)
    assert len(given["push"]) == 1
    assert given["push"] == given["deletion"]
