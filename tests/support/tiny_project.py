"""The smallest project that has something to keep and something to delete in each of its repositories, in git and in
a registry's storage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.published import PublishedProject, PublishedTag
from holystone.demo.stages import Content
from holystone.embedded.storage import Storage
from holystone.engine.model.addresses import ImagesRepoMode
from holystone.engine.model.references import Digest

DAY: Final = 86_400
WERF_YAML: Final = """\
configVersion: 1
project: shop
cleanup:
  keepPolicies:
  - references:
      tag: /.*/
  - references:
      branch: master
    imagesPerReference:
      last: 2
---
image: backend
from: alpine:3.12
---
image: front
from: alpine:3.12
"""


def tiny_project(
    path: Path,
    storage: Storage,
    *,
    now: int,
    commits: int = 4,
    images: Sequence[str] = ("backend", "front"),
    mode: ImagesRepoMode = "multirepo",
    rich: bool = False,
    images_repo: str = "shop/app",
    stages_storage: str = "shop/stages",
) -> PublishedProject:
    """One image of each name for every commit on master, the first of them tagged v1; a feature branch that was
    deleted with its image; an index and somebody else's tag. Of each image the two newest on master and v1 stay, and
    whatever is not the project's. `rich`: with everything that makes deleting hard, see `_complicate`."""
    composer = tiny_story(
        path,
        now=now,
        commits=commits,
        images=images,
        mode=mode,
        rich=rich,
        images_repo=images_repo,
        stages_storage=stages_storage,
    )
    fill(storage, composer)
    return composer.described()


def tiny_story(
    path: Path,
    *,
    now: int,
    commits: int = 4,
    images: Sequence[str] = ("backend", "front"),
    mode: ImagesRepoMode = "multirepo",
    rich: bool = False,
    images_repo: str = "shop/app",
    stages_storage: str = "shop/stages",
) -> Composer:
    """The same, not pushed to anywhere yet."""
    composer = Composer(
        "shop",
        path,
        host="registry.example",
        now=now,
        mode=mode,
        images_repo=images_repo,
        stages_storage=stages_storage,
        twin_records=rich,
    )
    story = GitStory(path)
    (path / "werf.yaml").write_text(WERF_YAML)  # names both images, published or not
    _tell(story, composer, now, commits, images, rich)
    if rich:
        _complicate(composer)
    return composer


def fill(storage: Storage, composer: Composer) -> None:
    """What a publisher would push, without HTTP."""
    for push in sorted(composer.pushes, key=lambda push: push.wave):
        for blob in push.built.blobs:
            storage.put_blob(push.repository, blob)
        tag = None if isinstance(push.reference, Digest) else push.reference
        storage.put_manifest(push.repository, push.built.manifest, push.built.media_type, tag)


def _tell(story: GitStory, composer: Composer, now: int, commits: int, images: Sequence[str], again: bool) -> None:
    """`again`: the last content is published at one more commit, so that records share a digest."""

    def publish(branch: str, number: int, days: int) -> None:
        commit = story.commit(branch, f"Change {number}", at=now - days * DAY, files={"werf.yaml": WERF_YAML})
        content = Content(base=1, dependencies=1 + number // 3, code=number)
        for image in images:
            composer.publish(image, commit, content, at=now - days * DAY + 600)

    for number in range(commits):
        publish("master", number, 100 + commits - number)
        if number == 0:
            story.tag("v1", story.head("master"))
    if again:
        publish("master", commits - 1, 100)
    story.branch("feature", start="master")
    publish("feature", 1000, 60)
    story.delete_branch("feature")
    composer.manage(*images)
    repository = str(composer.layout.repository("backend").path)
    composer.foreign(repository, "not-ours", at=now - 50 * DAY)
    composer.multi_platform(repository, "also-not-ours", at=now - 50 * DAY)


def kept_tags(project: PublishedProject) -> tuple[PublishedTag, ...]:
    """Worked out from the story alone: the first and the last two commits on master, of two images each."""
    master = [tag for tag in project.tags if tag.tag.endswith(tag.signature)][:-2]
    return (*master[:2], *master[-4:])


def _complicate(composer: Composer) -> None:
    """Signatures of a kept and of a doomed image, nested indexes, a second name of a
    doomed image's manifest, a stage that was rejected."""
    project = composer.described()
    kept, doomed = project.tags[0], project.tags[-2]
    composer.sign(kept)
    composer.sign(doomed)
    composer.alias(doomed, "second-name")
    composer.multi_platform(str(kept.repository), "nested", at=project.now - 50 * DAY, nested=True)
    composer.reject(doomed.stages[-1])


Contents = dict[str, tuple[dict[str, str], frozenset[str]]]
"""Repository → its tags with their digests, and its manifests."""


def copy_of(storage: Storage) -> Storage:
    """One that can be changed without changing the other."""
    copy = Storage()
    copy.blobs.update(storage.blobs)
    for name, state in storage.repositories.items():
        mine = copy.repository(name)
        mine.tags.update(state.tags)
        mine.manifests.update(state.manifests)
        mine.blobs.update(state.blobs)
        mine.aliases.update(state.aliases)
        mine.pushed.update(state.pushed)
        mine.tagged.update(state.tagged)
        mine.had_tags, mine.had_manifests = state.had_tags, state.had_manifests
    return copy


def contents(storage: Storage) -> Contents:
    return {
        name: (dict(state.tags), frozenset(state.manifests)) for name, state in sorted(storage.repositories.items())
    }
