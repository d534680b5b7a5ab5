"""What plays each real server: a profile of the embedded registry, or a vendor's emulator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3_1
from holystone.embedded.server import EmbeddedRegistry
from tests.emulators.default import GiteaEmulator, ZotEmulator
from tests.emulators.gitlab import MAINTAINER, GitlabEmulator
from tests.emulators.gitlab import PASSWORDS as GITLABS
from tests.emulators.harbor import PASSWORD as HARBORS
from tests.emulators.harbor import HarborEmulator
from tests.emulators.quay import QuayEmulator
from tests.real.processes import Running
from tests.real.replay.replaying import Side, basic
from tests.real.replay.requests import ANONYMOUS, CHAPTERS, Chapters
from tests.real.replay.vendors import GITLAB, HARBOR, QUAY


@dataclass(frozen=True, slots=True)
class Counterpart:
    made: Callable[[], EmbeddedRegistry]
    side: Callable[[EmbeddedRegistry], Side] = lambda served: Side(served.url, "team")
    chapters: Chapters = field(default_factory=lambda: CHAPTERS)
    by_chance: frozenset[str] = frozenset()
    """What the server itself does not know beforehand."""


def real_side(running: Running) -> Side:
    api = basic(*running.login) if running.login else ""
    if token := running.environ.get("WERF_REPO_QUAY_TOKEN"):
        api = f"Bearer {token}"
    return Side(running.url, running.account, running.login, api)


def _harbor(served: EmbeddedRegistry) -> Side:
    return Side(served.url, "shop", ("sweeper", HARBORS), basic("sweeper", HARBORS))


def _quay(served: EmbeddedRegistry) -> Side:
    assert isinstance(served, QuayEmulator)
    robot, token = "team+robot", next(iter(served.oauth))
    return Side(served.url, "team", (robot, served.robots[robot].password), f"Bearer {token}")


def _gitlab(served: EmbeddedRegistry) -> Side:
    return Side(served.url, "team", (MAINTAINER, GITLABS[MAINTAINER]))


COUNTERPARTS: Final[Mapping[str, Counterpart]] = {
    "docker-registry": Counterpart(
        partial(EmbeddedRegistry, quirks=DISTRIBUTION_2_8),
        by_chance=frozenset({"order"}),  # of a directory
    ),
    "distribution": Counterpart(partial(EmbeddedRegistry, quirks=DISTRIBUTION_3_1)),
    "zot-minimal": Counterpart(ZotEmulator),
    "zot-full": Counterpart(ZotEmulator),
    "gitea": Counterpart(GiteaEmulator),
    "forgejo": Counterpart(GiteaEmulator),
    "gitlab": Counterpart(partial(GitlabEmulator, database=False), _gitlab, {**CHAPTERS, **GITLAB}),
    "gitlab-database": Counterpart(GitlabEmulator, _gitlab, {**CHAPTERS, **GITLAB}),
    "harbor": Counterpart(HarborEmulator, _harbor, {**CHAPTERS, **HARBOR, **ANONYMOUS}),
    "quay": Counterpart(QuayEmulator, _quay, {**CHAPTERS, **QUAY, **ANONYMOUS}),
    "quay-login": Counterpart(partial(QuayEmulator, door="robot"), _quay, {**CHAPTERS, **ANONYMOUS}),
}
"""Nothing plays a `serverless-registry`, a `cuelabs` or an `olareg`: what is known of them is in their contract. A `ggcr`
is played in its deletions only. moto is no ECR, so that nobody learns from it whether our emulator is."""
