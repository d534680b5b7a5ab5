"""The transport against a real docker-registry that wants a password."""

from pathlib import Path

import pytest
from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.errors import error_code
from holystone.adapters.http.verify import verify
from holystone.engine.errors import Unauthorized
from holystone.engine.model.references import Digest, RegistryHost
from tests.http.conftest import Connect
from tests.support.docker_registry import PASSWORD, USER, docker_registry


async def test_login_push_and_read(tmp_path: Path, connect: Connect) -> None:
    body = b"a small blob"
    digest = Digest.of(body)
    async with docker_registry(tmp_path, basic_auth=True) as registry:
        host = RegistryHost.parse(registry.host)
        async with connect(host, UserPassword(USER, Secret(PASSWORD), "the test")) as client:
            assert (await client.get("/v2/", scope="")).status == 200
            missing = await client.get(f"/v2/a/b/blobs/{digest}")
            assert (missing.status, error_code(missing)) == (404, "BLOB_UNKNOWN")
            begun = await client.send("POST", "/v2/a/b/blobs/uploads/")
            assert begun.status == 202
            location = begun.url.join(URL(begun.headers["Location"], encoded=True))
            done = await client.send("PUT", location.update_query(digest=digest).raw_path_qs, body=body)
            assert done.status == 201
            assert verify((await client.get(f"/v2/a/b/blobs/{digest}")).body, digest, what="blob") == body
        async with connect(host, UserPassword(USER, Secret("wrong-password"), "the test")) as client:
            with pytest.raises(Unauthorized, match=r"refuses user 'holystone' \(the test\)"):
                await client.get("/v2/", scope="")
        async with connect(host, Anonymous()) as client:
            with pytest.raises(Unauthorized, match="docker login"):
                await client.get("/v2/", scope="")
