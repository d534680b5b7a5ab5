"""Random small projects with everything that the policies look at."""

from dataclasses import replace
from random import Random
from typing import Any, Literal

from tests.support.image_values import commit_id, digest_of
from tests.support.plain_world import HOST, REPO, Image, Ref, World

NOW = 1_800_000_000
HOUR, DAY = 3600, 86_400
GRACE = 2 * HOUR
ABSENT: list[str] = [commit_id("absent 1"), commit_id("absent 2")]
SIGNATURES = ["s1", "s2", "s3", "s4"]
BRANCHES = ["master", "main", "staging", "feature/login", "feature-2"]
GIT_TAGS = ["v1", "v2", "v3", "feature/login"]
PATTERNS = {
    "branch": ["/.*/", "/.*/", "/^feature/", "/^(master|main)$/", "master", "/a/", "feature/login", "feature"],
    "tag": ["/.*/", "/^v/", "v1", "/[23]$/", "v"],
}
STRATEGIES = ["git-branch", "git-tag", "git-commit", "stages-signature", "custom", None]


def world(seed: int, by: Literal["history", "strategy"]) -> World:
    """Many small draws make each: a seed is quicker than hypothesis drawing them all."""
    return _Drawn(Random(seed), by).made()


def crowded(seed: int) -> World:
    """Nothing but competition: images of one name, a record of one of them at every commit, branches that keep the
    newest image or two."""
    random = Random(seed)
    drawn = _Drawn(random, "history", commits=8)
    app, storage = f"{REPO}/app", f"{REPO}/stages"
    contents: dict[str, dict[str, Image | None]] = {app: {}, storage: {}}
    signatures = [f"s{number}" for number in range(random.choice([3, 5]))]
    for signature in signatures:
        labels = {"werf-image": "true", "werf-image-name": "app", "werf-content-signature": signature}
        contents[app][signature] = Image(digest_of(signature), digest_of(f"config {signature}"), NOW, labels)
    for commit in drawn.commits:
        labels = {"ContentSignature": random.choice(signatures)}
        about = Image(digest_of(f"record {labels}"), digest_of(f"record config {labels}"), NOW, labels)
        contents[storage][f"image-metadata-by-commit-app-{commit}"] = about
    heads = random.sample(drawn.commits, random.randint(3, 6))
    return World(
        now=NOW,
        mode="multirepo",
        storage=storage,
        configured=["app"],
        contents=contents,
        parents=drawn.parents,
        times=drawn.times,
        refs=[Ref("branch", f"b{number}", commit, drawn.times[commit]) for number, commit in enumerate(heads)],
        policies=[{"references": {"branch": "/.*/"}, "imagesPerReference": {"last": random.choice([1, 1, 1, 2])}}],
        v1_2=True,
        strategies=None,
        grace=0,
        images=True,
        stages=True,
        used=(),
    )


class _Drawn:
    def __init__(self, random: Random, by: Literal["history", "strategy"], commits: int = 0) -> None:
        self.random = random
        self.by = by
        self.mode: Literal["monorepo", "multirepo"] = random.choice(["monorepo", "multirepo"])
        self.storage = random.choice([REPO, f"{REPO}/stages", f"{REPO}/stages"])
        self.commits: list[str] = [commit_id(f"commit {number}") for number in range(commits or random.randint(1, 8))]
        # Times repeat, and need not follow the parents: clocks are wrong now and then.
        self.times: dict[str, int] = {commit: NOW - random.randint(0, 5) * HOUR for commit in self.commits}
        self.parents: dict[str, list[str]] = {
            commit: random.sample(self.commits[:number], min(number, random.choice([1, 1, 1, 2, 0])))
            for number, commit in enumerate(self.commits)
        }
        self.names = ["app", "app-two", ""]
        self.contents: dict[str, dict[str, Image | None]] = {}
        self.stage_ids: list[str] = []

    def maybe(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def made(self) -> World:
        random = self.random
        self._stages()
        for name in self.names:
            self._images(name)
            self._records(name)
        self._others()
        refs = self._refs()
        return World(
            now=NOW,
            mode=self.mode,
            storage=self.storage,
            configured=random.sample(self.names, random.choice([1, 1, 2])),
            contents=self.contents,
            parents=self.parents,
            times=self.times,
            refs=refs,
            policies=[self._policy() for _ in range(random.randint(0, 3))],
            v1_2=random.choice([True, True, False]),
            strategies=self._limits() if self.by == "strategy" else None,
            grace=random.choice([0, GRACE]),
            images=not self.maybe(10),
            stages=not self.maybe(10),
            used=self._used(),
        )

    def _place(self, repository: str) -> dict[str, Image | None]:
        return self.contents.setdefault(repository, {})

    def _stages(self) -> None:
        """Each on an earlier one, some with imports, some twins of one configuration."""
        there = self._place(self.storage)
        built: list[Image] = []
        for number in range(self.random.randint(0, 7)):
            if built and self.maybe(15):
                twin = self.random.choice(built)
                about = replace(twin, manifest=self.random.choice([twin.manifest, digest_of(f"twin {number}")]))
            else:
                about = Image(
                    digest_of(f"stage {number}"),
                    digest_of(f"stage config {number}"),
                    self.random.choice([0, NOW, NOW - GRACE, NOW - GRACE + 1, *[NOW - DAY] * 4]),
                    self._imports(15),
                    self._parent(75),
                )
                built.append(about)
                self.stage_ids.append(about.config)
            moment = self.random.choice([0, NOW - GRACE + 1, NOW - DAY, NOW - DAY]) * 1000 + number
            tag = f"{'abcdef0'[number]}-{moment}"
            there[tag] = None if self.maybe(2) else about
            if self.maybe(15):
                there[f"{tag}-rejected"] = Image(digest_of("mark"), digest_of("mark config"))
        if self.maybe(10):
            there["e0-5-rejected"] = Image(digest_of("mark"), digest_of("mark config"))

    def _parent(self, percent: int) -> str | None:
        if self.stage_ids and self.maybe(percent):
            return self.random.choice(self.stage_ids)
        return digest_of("built elsewhere") if self.maybe(20) else None

    def _imports(self, percent: int) -> dict[str, str]:
        found = {}
        if self.stage_ids and self.maybe(percent):
            found["werf-import-1"] = self.random.choice(self.stage_ids)
        if self.maybe(3):
            found["werf-import-2"] = "not an image id"
        return found

    def _images(self, name: str) -> None:
        repository = REPO if self.mode == "monorepo" or not name else f"{REPO}/{name}"
        if self.maybe(15):
            return
        there = self._place(repository)
        builds = [self._build(name, number) for number in range(self.random.randint(0, 4))]
        prefix = f"{name}-" if self.mode == "monorepo" and name else ""
        for number in range(self.random.randint(0, 6)):
            # Some look like stages, some are what git could have named, some lack the image's prefix.
            tag = self.random.choice([f"t{number}", f"t{number}", f"{number}", f"x-{number}", "v1", "master"])
            if builds:
                there[f"{prefix if not self.maybe(5) else ''}{tag}"] = self.random.choice(builds)
        if self.maybe(15):
            there[f"{prefix}{self.random.choice(['lost', *SIGNATURES])}"] = None

    def _build(self, name: str, number: int) -> Image:
        random = self.random
        labels = self._imports(10) | {"werf-image": "true", "werf-image-name": name}
        if not self.maybe(8):
            labels["werf-content-signature"] = random.choice(SIGNATURES)
        if self.maybe(4):
            del labels["werf-image"]
        if self.maybe(4):
            labels["werf-image-name"] = "app"
        strategy = random.choice(STRATEGIES)
        if strategy:
            labels["werf-tag-strategy"] = strategy
        if not self.maybe(20):
            meta_tag = random.choice(self._names_for(strategy))
            labels["werf-image-tag"] = meta_tag.replace("feature/login", "feature-login-723b424c")
        days = random.choice([0, 1, 1, 2, 3])
        created = random.choice([0, NOW - days * DAY, NOW - days * DAY, NOW - days * DAY + random.randint(-1, 1)])
        key = f"{name} {number}"
        return Image(digest_of(f"image {key}"), digest_of(f"image config {key}"), created, labels, self._parent(85))

    def _names_for(self, strategy: str | None) -> list[str]:
        match strategy:
            case "git-branch":
                return BRANCHES
            case "git-tag":
                return GIT_TAGS
            case "git-commit":
                return [*self.commits, *self.commits, *ABSENT]
            case _:
                return SIGNATURES

    def _records(self, name: str) -> None:
        there = self._place(self.storage)
        if self.maybe(60):
            there[f"managed-image-{name or '__nameless__'}"] = Image(digest_of("mark"), digest_of("mark config"))
        dense = self.random.choice([30, 90])
        silent = self.random.choice([0, 0, 0, 30])
        for commit in (*self.commits, *ABSENT):
            if not self.maybe(dense):
                continue
            signature = self.random.choice([*SIGNATURES[:3], *SIGNATURES[:3], "s5"])
            labels = {} if self.maybe(silent) else {"ContentSignature": signature}
            about = Image(digest_of(f"record {labels}"), digest_of(f"record config {labels}"), NOW, labels)
            tag = f"image-metadata-by-commit-{name or '__nameless__'}-{commit}"
            there[tag] = None if self.maybe(silent // 10) else about

    def _others(self) -> None:
        for there in self.contents.values():
            if self.maybe(30):
                there["somebody-elses"] = Image(digest_of("foreign"), digest_of("foreign config"))
        if self.maybe(20):
            self._place(self.storage)["client-id-me-12345"] = Image(digest_of("mark"), digest_of("mark config"))

    def _refs(self) -> list[Ref]:
        refs = []
        for kind, names in (("branch", BRANCHES), ("tag", GIT_TAGS)):
            for name in self.random.sample(names, self.random.randint(0, len(names))):
                commit = self.random.choice(self.commits)
                date = self.times[commit]
                if kind == "tag" and self.maybe(50):
                    date = NOW - self.random.randint(0, 5) * HOUR  # annotated
                refs.append(Ref("branch" if kind == "branch" else "tag", name, commit, date))
        return refs

    def _policy(self) -> dict[str, Any]:
        kind = self.random.choice(["branch", "branch", "tag"])
        references: dict[str, Any] = {kind: self.random.choice(PATTERNS[kind])}
        if self.maybe(50):
            references["limit"] = self._limit()
        policy: dict[str, Any] = {"references": references}
        if self.maybe(70):
            policy["imagesPerReference"] = self._limit()
        return policy

    def _limit(self) -> dict[str, Any]:
        limit: dict[str, Any] = {}
        if self.maybe(70):
            limit["last"] = self.random.choice([-1, 0, 1, 1, 2, 2, 3])
        if self.maybe(50):
            limit["in"] = self.random.choice(["1h", "2h", "3h", "180m", "7200s", 2 * HOUR * 10**9, "0s"])
        if self.maybe(60):
            limit["operator"] = self.random.choice(["And", "Or"])
        return limit

    def _limits(self) -> dict[str, tuple[int | None, int | None]]:
        def one() -> tuple[int | None, int | None]:
            return self.random.choice([None, 0, 1, 1, 2]), self.random.choice([None, None, 0, 1, 2])

        return {strategy: one() for strategy in ("git-tag", "git-commit", "stages-signature")}

    def _used(self) -> list[str]:
        found = []
        for repository, there in self.contents.items():
            for tag, about in there.items():
                if about and self.maybe(4):
                    found.append(
                        self.random.choice(
                            [
                                f"{HOST}/{repository}:{tag}",
                                f"{HOST}/{repository}@{about.manifest}",
                                f"mirror.example/{repository}@{about.config}",
                                about.config,
                                f"other.example/{repository}:{tag}",
                            ]
                        )
                    )
        return found
