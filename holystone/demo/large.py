"""A big, random but seeded project: every shape of history and storage that a cleanup may meet."""

import hashlib
import random
from typing import Final

import msgspec

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.small import WERF_YAML
from holystone.demo.stages import Content
from holystone.engine.model.references import Commit

HOUR: Final = 3_600
IMAGES: Final = ("backend", "front", "frontend")
_COMMITS: Final = 320
_FEATURES: Final = 18
_TAGS: Final = 16
_SPAN: Final = 300 * 24 * HOUR
_LONG_LIVED: Final = ("master", "staging", "production")


def tell_large_story(story: GitStory, composer: Composer, *, seed: int) -> None:
    """A project's year in git and in registries: at least 300 commits, 12 branches and 15 tags; the last commits are
    hours old, the first ones 300 days."""
    _LargeStory(story, composer, seed).tell()


class _LargeStory:
    def __init__(self, story: GitStory, composer: Composer, seed: int) -> None:
        self._story = story
        self._composer = composer
        self._random = random.Random(seed)  # noqa: S311 -- a shape, not a secret
        self._contents: dict[str, dict[str, Content]] = {}
        """Branch → image → content at the branch's head."""
        self._versions = 0
        self._features: list[str] = []
        self._merged = 0
        self._tagged = 0

    def tell(self) -> None:
        self._contents["master"] = dict.fromkeys(IMAGES, Content())
        for number in range(_COMMITS):
            # Denser towards the end, so that hours, days and months all occur.
            left = 1 - number / _COMMITS
            at = self._composer.now - HOUR - int(_SPAN * left**2)
            if number == 5:
                for name in _LONG_LIVED[1:]:
                    self._branch(name, "master")
            if number >= 8 and number % (_COMMITS // _FEATURES) == 0:
                self._branch(f"feature/{number}-{self._random.choice(('login', 'cart', 'Search'))}", "master")
            self._commit(self._pick(number), number, at)
            if number % 45 == 44 and self._merged < 5 and self._features:
                self._merge(at + 60)
            if number % (_COMMITS // _TAGS) == _COMMITS // _TAGS - 1:
                self._tag(at + 120)
            if number % 60 == 59:
                self._promote(at + 180)
        self._oddities()

    def _pick(self, number: int) -> str:
        if number < 8 or not self._features or self._random.random() < 0.45:
            return "master"
        # A feature is worked on while it is young, and then left alone: so there are stale branches.
        return self._random.choice([*self._features[-3:], *self._features[-3:], "staging", "production"])

    def _branch(self, name: str, start: str) -> None:
        self._story.branch(name, start=start)
        self._contents[name] = dict(self._contents[start])
        if name not in _LONG_LIVED:
            self._features.append(name)

    def _commit(self, branch: str, number: int, at: int) -> None:
        files = {"werf.yaml": WERF_YAML.format(project=self._composer.project), "VERSION": f"{number}\n"}
        commit = self._story.commit(branch, f"Change {number}", at=at, files=files)
        contents = self._contents[branch]
        for image in IMAGES:
            if self._random.random() < 0.25:
                contents[image] = self._changed(contents[image])
        self._publish(branch, commit, at, share=0.3)

    def _changed(self, content: Content) -> Content:
        self._versions += 1
        which = self._random.choices(("code", "dependencies", "base"), weights=(80, 15, 5))[0]
        if which == "code" and self._random.random() < 0.1:  # a change that is taken back: an old signature again
            return msgspec.structs.replace(content, code=max(content.code - 1, 1))
        return msgspec.structs.replace(content, **{which: self._versions})

    def _publish(self, branch: str, commit: Commit, at: int, share: float) -> None:
        for image in IMAGES:
            if self._random.random() < share:
                artifact = ("assets", 1 + self._versions // 30) if image == "frontend" else None
                content = self._contents[branch][image]
                self._composer.publish(image, commit, content, at=at + self._random.randrange(600), artifact=artifact)

    def _merge(self, at: int) -> None:
        """One of the older features goes into master; every other time its branch is deleted."""
        feature = self._features.pop(self._random.randrange(len(self._features)))
        commit = self._story.merge(feature, "master", at=at)
        self._contents["master"] = dict(self._contents[feature])
        self._merged += 1
        if self._merged % 2:
            self._story.delete_branch(feature)
        self._publish("master", commit, at, share=1.0)

    def _promote(self, at: int) -> None:
        for branch in _LONG_LIVED[1:]:
            commit = self._story.merge("master", branch, at=at)
            self._contents[branch] = dict(self._contents["master"])
            self._publish(branch, commit, at, share=0.5)

    def _tag(self, at: int) -> None:
        self._tagged += 1
        annotated = self._tagged % 3 != 0
        self._story.tag(f"v1.{self._tagged}.0", self._story.head("master"), at=at if annotated else None)
        self._publish("master", self._story.head("master"), at, share=0.7)

    def _oddities(self) -> None:
        composer, now = self._composer, self._composer.now
        composer.manage(*IMAGES)
        abandoned = self._features[0]  # deleted without a merge: its commits exist, and nothing reaches them
        self._story.delete_branch(abandoned)
        for number, image in enumerate(IMAGES):  # published from a commit that was lost with somebody's laptop
            lost = Commit(hashlib.sha1(image.encode(), usedforsecurity=False).hexdigest())
            content = Content(code=1_000_000 + number)
            composer.publish(image, lost, content, at=now - 40 * 24 * HOUR)
        described = composer.described()
        for stage in self._random.sample(described.stages, 3):
            composer.reject(stage.tag)
        newest = described.tags[-1]
        where = str(newest.repository)
        composer.alias(newest, f"{newest.tag[:20]}-by-hand")
        composer.alias(described.tags[0], "first-by-hand")
        composer.foreign(where, "latest", at=now - 200 * 24 * HOUR)
        composer.multi_platform(where, "everywhere", at=now - 90 * 24 * HOUR)
        composer.multi_platform(where, "nested", at=now - 80 * 24 * HOUR, nested=True)
        composer.sign(newest)
        composer.sign(described.tags[1])
