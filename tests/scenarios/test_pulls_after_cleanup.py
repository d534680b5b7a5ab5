"""After a cleanup, a client that knows nothing of Holystone still pulls everything that a kept tag promises."""

import dataclasses
import hashlib
import json
from pathlib import Path

import anyio
import msgspec
import pytest

from holystone.demo.published import PublishedExtra
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_INDEX
from holystone.engine.model.references import Digest, Tag
from tests.support.programs import require
from tests.support.scenes import Scene, Scenes

pytestmark = pytest.mark.slow


class Skopeo:
    def __init__(self, host: str, folder: Path) -> None:
        self._program = require("skopeo")
        self._host = host
        self._folder = folder
        self._pulls = 0

    async def raw(self, repository: str, reference: str) -> bytes:
        return await self._run("inspect", "--raw", "--tls-verify=false", self._name(repository, reference))

    async def digest(self, repository: str, tag: str) -> str:
        """Reads the configuration too."""
        said = await self._run("inspect", "--tls-verify=false", self._name(repository, tag))
        return str(json.loads(said)["Digest"])

    async def pull(self, repository: str, reference: str, *options: str) -> None:
        self._pulls += 1
        where = f"dir:{self._folder / str(self._pulls)}"
        name = self._name(repository, reference)
        await self._run(*options, "copy", "--src-tls-verify=false", name, where)

    def _name(self, repository: str, reference: str) -> str:
        return f"docker://{self._host}/{repository}{'@' if ':' in reference else ':'}{reference}"

    async def _run(self, *arguments: str) -> bytes:
        policy = "--insecure-policy"
        done = await anyio.run_process((self._program, policy, *arguments), check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pulled"
    folder.mkdir()
    return folder


async def with_a_bundle(scene: Scene) -> Scene:
    """Somebody's index lists an image of which all tags are to go."""
    doomed = scene.project.tags_of("front")[2]
    body = await scene.read.send("GET", f"/v2/{doomed.repository}/manifests/{doomed.digest}")
    child = {
        "mediaType": DOCKER_MANIFEST,
        "digest": doomed.digest,
        "size": len(body.body),
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}).encode()
    pushed = await scene.read.send("PUT", f"/v2/{doomed.repository}/manifests/bundle", index, OCI_INDEX)
    assert pushed.status == 201
    digest = Digest(f"sha256:{hashlib.sha256(index).hexdigest()}")
    extra = PublishedExtra(doomed.repository, Tag("bundle"), digest, needs=(doomed.digest,))
    scene.before[doomed.repository][extra.tag] = digest
    project = msgspec.structs.replace(scene.project, extras=(*scene.project.extras, extra))
    return dataclasses.replace(scene, project=project)


async def test_what_a_kept_tag_promises_can_be_pulled(scene: Scenes, folder: Path) -> None:
    async with scene("middling", "monorepo") as opened:
        opened = await with_a_bundle(opened)
        skopeo = Skopeo(opened.host, folder)
        project, repository = opened.project, opened.project.images_repo
        expected = opened.expected()
        kept, doomed = expected.tags[repository], expected.doomed_tags[repository]
        assert (await opened.cli.cleanup()).code == 0
        await opened.assert_exactly(expected)

        # A kept tag whose digest had a doomed tag too.
        handmade = kept[Tag("handmade")]
        assert handmade in doomed.values()
        assert await skopeo.digest(repository, "handmade") == handmade
        await skopeo.pull(repository, "handmade")

        # The same among the records of the stages storage, which are images without layers.
        storage = project.stages_storage
        shared = set(expected.tags[storage].values()) & set(expected.doomed_tags[storage].values())
        tags = [tag for tag, digest in expected.tags[storage].items() if digest in shared]
        assert tags
        for tag in tags[:3]:
            await skopeo.pull(storage, tag)

        # The children of kept indexes, one of which is an image that had only doomed tags.
        for architecture in ("amd64", "arm64"):
            await skopeo.pull(repository, "everywhere", f"--override-arch={architecture}")
        await skopeo.pull(repository, "bundle", "--override-arch=amd64")
        (bundled,) = json.loads(await skopeo.raw(repository, "bundle"))["manifests"]
        assert bundled["digest"] in doomed.values()
        (inner,) = json.loads(await skopeo.raw(repository, "nested"))["manifests"]
        leaves = json.loads(await skopeo.raw(repository, inner["digest"]))["manifests"]
        assert len(leaves) == 2
        for leaf in leaves:
            await skopeo.pull(repository, leaf["digest"])

        # Signatures of kept images: by cosign's tag, and by the referrers' fallback tag.
        signed = {extra.subject for extra in project.extras if extra.subject and extra.tag in kept}
        lost = {extra.subject for extra in project.extras if extra.subject and extra.tag in doomed}
        assert signed
        assert lost
        signatures = [extra.tag for extra in project.extras if extra.subject in signed and extra.tag.endswith(".sig")]
        assert signatures
        for tag in signatures:
            await skopeo.pull(repository, tag)
        for subject in signed:
            assert subject is not None
            (referrer,) = json.loads(await skopeo.raw(repository, subject.replace(":", "-")))["manifests"]
            found = json.loads(await skopeo.raw(repository, referrer["digest"]))
            assert found["subject"]["digest"] == subject
            await skopeo.pull(repository, referrer["digest"])

        # And every image of the project itself.
        for image in (tag for tag in project.tags if tag.tag in kept):
            await skopeo.pull(image.repository, image.tag)
