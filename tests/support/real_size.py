"""A project of the size and shape that years of work make: ten images, sixty branches, two hundred releases, thousands
of commits, image tags, stages and records. The same seed and moment give the same project."""

import random
from collections.abc import Mapping
from typing import Final

import msgspec

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.stages import Content
from holystone.engine.model.references import Commit
from tests.support.expected_survivors import HOUR, Limit, Policy

IMAGES: Final = (
    "admin/panel",
    "api",
    "api-gateway",
    "backend",
    "front",
    "frontend",
    "mailer",
    "migrations",
    "search",
    "worker",
)
COMMITS: Final = 3_000
RELEASES: Final = 200
BRANCHES: Final = 60
_LONG_LIVED: Final = ("master", "staging", "production")
_FEATURES: Final = 100
_MERGED: Final = _FEATURES + len(_LONG_LIVED) - BRANCHES
_SPAN: Final = 700 * 24 * HOUR
_POLICIES: Final = """\
configVersion: 1
project: shop
cleanup:
  keepPolicies:
  - references:
      tag: /^v[0-9]/
      limit: {last: 60}
  - references:
      branch: /.*/
      limit: {last: 30, in: 720h}
    imagesPerReference: {last: 5, in: 720h}
  - references:
      branch: /^(master|staging|production)$/
    imagesPerReference: {last: 25}
"""
POLICIES: Final = (
    Policy("tag", "^v[0-9]", limit=Limit(last=60)),
    Policy("branch", ".*", limit=Limit(last=30, within=720 * HOUR), images=Limit(last=5, within=720 * HOUR)),
    Policy("branch", "^(master|staging|production)$", images=Limit(last=25)),
)
"""The same, for the comparison."""


def tell_real_size(story: GitStory, composer: Composer, *, seed: int) -> None:
    (composer.path / "werf.yaml").write_text(
        _POLICIES + "".join(f"---\nimage: {image}\nfrom: alpine:3.12\n" for image in IMAGES)
    )
    _Story(story, composer, seed).tell()


class _Story:
    def __init__(self, story: GitStory, composer: Composer, seed: int) -> None:
        self._story = story
        self._composer = composer
        self._random = random.Random(seed)
        self._contents: dict[str, Mapping[str, Content]] = {"master": dict.fromkeys(IMAGES, Content())}
        """Branch → image → content at the branch's head."""
        self._versions = 1
        self._features: list[str] = []
        self._released = 0

    def tell(self) -> None:
        for number in range(COMMITS):
            # Denser towards the end, so that there are many commits of hours, days and months ago.
            at = self._composer.now - HOUR - int(_SPAN * (1 - number / COMMITS) ** 2)
            if number == 10:
                for name in _LONG_LIVED[1:]:
                    self._branch(name)
            if number % (COMMITS // _FEATURES) == 20:
                self._branch(f"feature/{number}-{self._random.choice(('login', 'cart', 'Search', 'stock'))}")
            self._commit(self._pick(number), at)
            if number % (COMMITS // _MERGED) == COMMITS // _MERGED - 1:
                self._merge(at + 60)
            if number % (COMMITS // RELEASES) == 14:
                self._release(at + 120)
        self._oddities()

    def _pick(self, number: int) -> str:
        """A feature is worked on while it is young, and then left alone: so there are stale branches."""
        if number < 50 or self._random.random() < 0.4:
            return "master"
        return self._random.choice([*self._features[-8:], *_LONG_LIVED[1:]])

    def _branch(self, name: str) -> None:
        self._story.branch(name, start="master")
        self._contents[name] = self._contents["master"]
        if name not in _LONG_LIVED:
            self._features.append(name)

    def _commit(self, branch: str, at: int) -> None:
        commit = self._story.commit(branch, "Change", at=at)
        contents = dict(self._contents[branch])
        if self._random.random() < 0.65:
            image = self._random.choice(IMAGES)
            contents[image] = self._changed(contents[image])
            self._publish(image, commit, contents[image], at)
        for image in self._random.sample(IMAGES, self._random.choice((0, 1, 1))):  # built, and nothing was new
            self._publish(image, commit, contents[image], at)
        self._contents[branch] = contents

    def _changed(self, content: Content) -> Content:
        self._versions += 1
        which = self._random.choices(("code", "dependencies", "base"), weights=(88, 10, 2))[0]
        return msgspec.structs.replace(content, **{which: self._versions})

    def _publish(self, image: str, commit: Commit, content: Content, at: int, release: str = "") -> None:
        self._composer.publish(
            image,
            commit,
            content,
            at=at + self._random.randrange(600),
            artifact=("assets", 1 + self._versions // 100) if image.startswith("front") else None,
            strategy="git-tag" if release else "stages-signature",
            name=release,
        )

    def _merge(self, at: int) -> None:
        """One of the older features goes into master, and its branch is deleted."""
        feature = self._features.pop(self._random.randrange(len(self._features) // 2 + 1))
        self._story.merge(feature, "master", at=at)
        self._contents["master"] = self._contents[feature]
        self._story.delete_branch(feature)

    def _release(self, at: int) -> None:
        """Of all images, from master; staging and production follow."""
        self._released += 1
        name, head = f"v1.{self._released}.0", self._story.head("master")
        self._story.tag(name, head, at=at if self._released % 3 else None)
        for image in IMAGES:
            self._publish(image, head, self._contents["master"][image], at, name)
        for branch in _LONG_LIVED[1:] if self._released % 4 == 0 else ():
            self._story.merge("master", branch, at=at + 60)
            self._contents[branch] = self._contents["master"]

    def _oddities(self) -> None:
        """What people leave behind besides images: records, signatures, indexes, tags made by hand."""
        composer, now = self._composer, self._composer.now
        composer.manage(*IMAGES)
        lost = Commit("0" * 40)
        composer.publish("worker", lost, Content(code=1_000_000), at=now - 40 * 24 * HOUR)
        described = composer.described()
        for stage in self._random.sample(described.stages, 20):
            composer.reject(stage.tag)
        for tag in self._random.sample(described.tags, 60):
            composer.sign(tag, legacy=self._random.random() < 0.5)
        for number, tag in enumerate(self._random.sample(described.tags, 20)):
            composer.alias(tag, f"by-hand-{number}")
        for number, image in enumerate(IMAGES):
            where = str(composer.layout.repository(image).path)
            composer.foreign(where, f"latest-{number}", at=now - 200 * 24 * HOUR)
            composer.multi_platform(where, f"everywhere-{number}", at=now - 90 * 24 * HOUR, nested=number % 2 == 0)
