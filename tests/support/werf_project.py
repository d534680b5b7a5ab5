"""The words in which werf's own test scenarios are told: a clone with an origin, images published into a real
registry, a cleanup by the command line, and what is left."""

import time
from pathlib import Path
from typing import Protocol

from holystone.demo.composer import Composer
from holystone.demo.published import PublishedTag
from holystone.demo.publisher import Publisher
from holystone.demo.stages import Content
from holystone.engine.model.references import Commit, Tag
from holystone.policies.werf.v1.records import image_metadata_tag
from tests.support.docker_registry import DockerRegistry
from tests.support.expected_survivors import HOUR
from tests.support.git_clone import GitClone
from tests.support.holystone_process import Ended, Holystone
from tests.support.http import client

IMAGE = "image"
_WERF_YAML = """\
configVersion: 1
project: werf
{cleanup}---
image: image
from: alpine:3.12
"""
_RECORD = f"image-metadata-by-commit-{IMAGE}-"


class WerfProject:
    """With repositories of its own, named `name`, on a registry that it shares. `keep_policies` is the YAML of
    werf.yaml; none: werf's defaults."""

    def __init__(self, folder: Path, registry: DockerRegistry, name: str, keep_policies: str = "") -> None:
        self.git = GitClone(folder)
        lines = [f"  {line}" for line in keep_policies.splitlines()]
        cleanup = "\n".join(["cleanup:", "  keepPolicies:", *lines, ""]) if lines else ""
        (self.git.path / "werf.yaml").write_text(_WERF_YAML.format(cleanup=cleanup))
        self._registry = registry
        self._now = int(time.time())
        self._composer = Composer(
            "werf",
            self.git.path,
            host=registry.host,
            now=self._now,
            images_repo=f"{name}/images",
            stages_storage=f"{name}/stages",
        )
        self._holystone = Holystone(folder, registry.host, self._composer.described())

    async def publish(
        self,
        *,
        signature: int = 1,
        strategy: str = "stages-signature",
        name: str = "",
        hours_old: float = 0,
        imports: bool = False,
    ) -> PublishedTag:
        """What `werf build-and-publish` does at the head: the stages, the image's tag and a metadata record. Another
        signature has other stages throughout. `name` is the branch, git tag or commit that the tag is made of, for the
        strategies that need one; `imports`: from an artifact's stage, which is published too."""
        commit = self.git.head
        published = self._composer.publish(
            IMAGE,
            commit,
            Content(base=signature, dependencies=signature, code=signature),
            at=self._now - int(hours_old * HOUR),
            artifact=("assets", signature) if imports else None,
            strategy=strategy,
            name=name,
        )
        # Again, too: a cleanup may have taken away what had been there.
        record = Tag.parse(image_metadata_tag(published.image, commit))
        wanted = {
            (published.repository, published.tag),
            *((self._composer.stages_storage, tag) for tag in (*published.stages, *published.imported, record)),
        }
        async with Publisher(self._registry.url) as publisher:
            await publisher.push_all(
                push for push in self._composer.pushes if (push.repository, push.reference) in wanted
            )
        return published

    async def cleanup(self, *options: str, only: str = "") -> Ended:
        """`only`: `images` or `stages`. Must succeed."""
        done = await self._holystone.cleanup("--without-kube", *options, only=only)
        assert done.code == 0, done
        return done

    async def managed_images(self, *words: str) -> list[str]:
        """The lines that the command prints; it must succeed."""
        storage = f"{self._registry.host}/{self._composer.stages_storage}"
        done = await self._holystone.run("managed-images", *words, f"--stages-storage={storage}")
        assert done.code == 0, done
        return done.out.splitlines()

    async def survivors(self) -> set[Tag]:
        """The image's tags."""
        return await self._tags(f"{self._composer.images_repo}/{IMAGE}")

    async def records(self) -> set[Commit]:
        """The commits that metadata records are about."""
        tags = await self._tags(self._composer.stages_storage)
        return {Commit.parse(tag.removeprefix(_RECORD)) for tag in tags if tag.startswith(_RECORD)}

    async def stages(self) -> set[Tag]:
        return {tag for tag in await self._tags(self._composer.stages_storage) if not tag.startswith(_RECORD)}

    async def _tags(self, repository: str) -> set[Tag]:
        """Those whose manifest is there, too."""
        async with client(self._registry.url) as http:
            listed = await http.send("GET", f"/v2/{repository}/tags/list")
            assert listed.status in (200, 404), listed
            tags = (listed.json["tags"] or []) if listed.status == 200 else []
            for tag in tags:
                assert (await http.send("GET", f"/v2/{repository}/manifests/{tag}")).status == 200
            return {Tag.parse(tag) for tag in tags}


class NewProject(Protocol):
    def __call__(self, keep_policies: str = "") -> WerfProject: ...
