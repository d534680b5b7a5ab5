"""Composes what werf 1.1 would have published: stages, final images and records. Pure: digests are worked out here,
and `pushes` says what has to be sent."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from holystone.demo import images
from holystone.demo.images import Built
from holystone.demo.published import (
    PublishedExtra,
    PublishedMetadata,
    PublishedProject,
    PublishedTag,
)
from holystone.demo.publisher import Push
from holystone.demo.stages import Content, Stages, image_id_of, signature_of
from holystone.engine.model.addresses import ImagesRepoMode
from holystone.engine.model.references import Commit, Digest, ImageName, RegistryHost, RepositoryPath, Tag
from holystone.policies.werf.v1.layout import ImagesRepo
from holystone.policies.werf.v1.records import image_metadata_tag, managed_image_tag
from holystone.policies.werf.v1.slug import docker_tag_slug
from holystone.policies.werf.v1.stages import rejected_tag


class Composer:
    """Times are Unix seconds; `host` is only needed for naming. With `twin_records`, all records that say the same
    have one digest, as images without a date have: a trap for whoever deletes by digest."""

    def __init__(
        self,
        project: str,
        path: Path,
        *,
        host: str,
        now: int,
        mode: ImagesRepoMode = "multirepo",
        images_repo: str = "demo/app",
        stages_storage: str = "demo/stages",
        twin_records: bool = True,
    ) -> None:
        self.project = project
        self.path = path
        self.now = now
        self.layout = ImagesRepo(RegistryHost.parse(host), RepositoryPath.parse(images_repo), mode)
        self.images_repo = RepositoryPath.parse(images_repo)
        self.stages_storage = RepositoryPath.parse(stages_storage)
        self._pushes: dict[tuple[RepositoryPath, Tag | Digest], Push] = {}
        self._twin_records = twin_records
        self._stages = Stages(project, partial(self._push, self.stages_storage))
        self._tags: dict[tuple[RepositoryPath, Tag], PublishedTag] = {}
        self._built: dict[Digest, Built] = {}
        self._metadata: dict[Tag, PublishedMetadata] = {}
        self._managed: list[Tag] = []
        self._rejected: list[Tag] = []
        self._images: set[ImageName] = set()
        self._extras: list[PublishedExtra] = []
        self._referrers: list[tuple[RepositoryPath, Digest, Digest]] = []

    def publish(
        self,
        image: str,
        commit: Commit,
        content: Content,
        *,
        at: int,
        artifact: tuple[str, int] | None = None,
        strategy: str = "stages-signature",
        name: str = "",
    ) -> PublishedTag:
        """An image at a commit. Content that was published before is not built again: only a metadata record is
        added. `artifact` is the name and version of what it imports; `name` the branch, git tag or commit, for the
        strategies that need one."""
        imported = self._stages.artifact(*artifact, at=at) if artifact else None
        last = self._stages.of_image(image, content, imported, at=at)
        signature = signature_of("content", image, last.stage.tag.partition("-")[0])
        meta_tag = docker_tag_slug(name) if name else signature
        reference = self.layout.reference(image, meta_tag)
        key = (reference.repository.path, reference.tag)
        known = self._tags.get(key)
        if known is None or known.signature != signature:  # new, or pushed over
            labels = {
                **last.labels,
                "werf-image": "true",
                "werf-image-name": image,
                "werf-image-tag": meta_tag,
                "werf-docker-image-name": str(reference),
                "werf-tag-strategy": strategy,
                "werf-content-signature": signature,
                "werf-project-repo-commit": commit,
                "werf-image-version": "1",
            }
            built = images.image(created=at, labels=labels, parent=last.stage.image_id, layers=last.layers)
            self._push(*key, built)
            known = PublishedTag(
                image=ImageName.parse(image),
                repository=key[0],
                tag=key[1],
                meta_tag=meta_tag,
                strategy=strategy,
                digest=built.digest,
                image_id=image_id_of(built),
                signature=signature,
                commits=(),
                stages=last.chain,
                imported=imported.chain if imported else (),
                created=at,
            )
        self._images.add(known.image)
        self._tags[key] = msgspec.structs.replace(known, commits=(*known.commits, commit))
        self._record_metadata(known.image, commit, signature, at)
        return self._tags[key]

    def alias(self, tag: PublishedTag, name: str) -> None:
        """A second tag on the same digest, made by hand. It is the image's own if its name allows that."""
        second = Tag.parse(name)
        self._push(tag.repository, second, self._built[tag.digest])
        if self.layout.is_candidate(tag.image, second):
            self._tags[tag.repository, second] = msgspec.structs.replace(tag, tag=second)
        else:
            self._extras.append(PublishedExtra(tag.repository, second, tag.digest))

    def manage(self, *names: str) -> None:
        """Publishes managed image records of these names."""
        for name in names:
            tag = Tag.parse(managed_image_tag(name))
            self._record(tag, {}, self.now)
            self._images.add(ImageName.parse(name))
            self._managed.append(tag)

    def reject(self, stage: Tag) -> None:
        """Publishes werf's mark that the stage is broken."""
        tag = Tag.parse(rejected_tag(stage))
        self._record(tag, {}, self.now)
        self._rejected.append(tag)

    def foreign(self, repository: str, tag: str, *, at: int) -> None:
        """Somebody else's image, without werf's labels."""
        built = images.image(created=at, labels={"maintainer": "somebody else"}, layers=(images.layer(tag),))
        self._extra(repository, tag, built)

    def multi_platform(self, repository: str, tag: str, *, at: int, nested: bool = False) -> None:
        """An OCI index with two untagged children; nested: inside another index."""
        platforms = ("amd64", "arm64")
        children = [
            images.image(created=at, labels={}, layers=(images.layer(f"{tag} {each}"),), architecture=each, oci=True)
            for each in platforms
        ]
        top = images.index(children, platforms)
        parts = [(child, 0) for child in children]
        if nested:
            parts.append((top, 1))
            top = images.index([top])
        for part, wave in parts:
            self._push(RepositoryPath.parse(repository), part.digest, part, wave)
        self._extra(repository, tag, top, wave=2, needs=tuple(part.digest for part, _ in parts))

    def sign(self, tag: PublishedTag, *, fallback: bool = True, legacy: bool = True) -> None:
        """A referrer, the fallback tag that lists it where the registry has no referrers API, and cosign's own tag."""
        subject = self._built[tag.digest]
        referrer = images.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", "signature", subject)
        self._push(tag.repository, referrer.digest, referrer, wave=1)
        self._referrers.append((tag.repository, referrer.digest, tag.digest))
        name = f"{tag.digest.algorithm}-{tag.digest.hex}"
        if fallback:
            listed = images.index([referrer])
            self._extra(tag.repository, name, listed, 2, needs=(referrer.digest,), subject=tag.digest)
        if legacy:
            signature = images.artifact("", f"cosign {tag.digest}")
            self._extra(tag.repository, f"{name}.sig", signature, subject=tag.digest)

    @property
    def pushes(self) -> tuple[Push, ...]:
        """What has to be sent, one push for each tag: what was pushed over is left out."""
        return tuple(self._pushes.values())

    def described(self) -> PublishedProject:
        return PublishedProject(
            project=self.project,
            path=self.path,
            now=self.now,
            images_repo=self.images_repo,
            stages_storage=self.stages_storage,
            mode=self.layout.mode,
            images=tuple(sorted(self._images)),
            tags=tuple(self._tags.values()),
            stages=self._stages.built,
            metadata=tuple(self._metadata.values()),
            managed=tuple(self._managed),
            rejected=tuple(self._rejected),
            extras=tuple(self._extras),
            referrers=tuple(self._referrers),
        )

    # Records and pushes

    def _record_metadata(self, image: ImageName, commit: Commit, signature: str, at: int) -> None:
        tag = Tag.parse(image_metadata_tag(image, commit))
        digest = self._record(tag, {"ContentSignature": signature}, at)
        self._metadata[tag] = PublishedMetadata(tag, digest, image, commit, signature)

    def _record(self, tag: Tag, labels: Mapping[str, str], at: int) -> Digest:
        own = {} if self._twin_records else {"record": str(tag)}
        labels = {"werf": self.project, **labels, **own}
        built = images.image(created=None if self._twin_records else at, labels=labels)
        self._push(self.stages_storage, tag, built)
        return built.digest

    def _extra(
        self,
        repository: str,
        tag: str,
        built: Built,
        wave: int = 0,
        *,
        needs: tuple[Digest, ...] = (),
        subject: Digest | None = None,
    ) -> None:
        extra = PublishedExtra(RepositoryPath.parse(repository), Tag.parse(tag), built.digest, needs, subject)
        self._push(extra.repository, extra.tag, built, wave)
        self._extras.append(extra)

    def _push(self, repository: RepositoryPath, reference: Tag | Digest, built: Built, wave: int = 0) -> None:
        self._built[built.digest] = built
        self._pushes[repository, reference] = Push(repository, reference, built, wave)
