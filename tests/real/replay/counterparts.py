"""What plays each real server: a profile of the embedded registry, or a vendor's emulator."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1
from holystone.embedded.server import EmbeddedRegistry
from tests.emulators.default import CopyingEmulator, GiteaEmulator, ZotEmulator
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
    name: str
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
    return Side(served.url, "team", ("sweeper", HARBORS), basic("sweeper", HARBORS))


def _with_project() -> EmbeddedRegistry:
    harbor = HarborEmulator()
    harbor.projects.add("team")
    return harbor


def _quay(served: EmbeddedRegistry) -> Side:
    assert isinstance(served, QuayEmulator)
    robot, token = "team+robot", next(iter(served.oauth))
    return Side(served.url, "team", (robot, served.robots[robot].password), f"Bearer {token}")


def _gitlab(served: EmbeddedRegistry) -> Side:
    return Side(served.url, "team", (MAINTAINER, GITLABS[MAINTAINER]))


COUNTERPARTS: Final[Mapping[str, Counterpart]] = {
    "docker-registry": Counterpart(
        "profile DISTRIBUTION_2_8",
        partial(EmbeddedRegistry, quirks=DISTRIBUTION_2_8),
        by_chance=frozenset({"order"}),  # of a directory
    ),
    "distribution": Counterpart("profile DISTRIBUTION_3_1", partial(EmbeddedRegistry, quirks=DISTRIBUTION_3_1)),
    "distribution-3": Counterpart("profile DISTRIBUTION_3", partial(EmbeddedRegistry, quirks=DISTRIBUTION_3)),
    "ggcr": Counterpart("profile GGCR", CopyingEmulator),
    "zot-minimal": Counterpart("profile ZOT", ZotEmulator),
    "zot-full": Counterpart("profile ZOT", ZotEmulator),
    "gitea": Counterpart("profile GITEA", GiteaEmulator),
    "forgejo": Counterpart("profile GITEA", GiteaEmulator),
    "gitlab": Counterpart(
        "emulator, without a database", partial(GitlabEmulator, database=False), _gitlab, {**CHAPTERS, **GITLAB}
    ),
    "gitlab-database": Counterpart("emulator", GitlabEmulator, _gitlab, {**CHAPTERS, **GITLAB}),
    "harbor": Counterpart("emulator", _with_project, _harbor, {**CHAPTERS, **HARBOR, **ANONYMOUS}),
    "quay": Counterpart("emulator", QuayEmulator, _quay, {**CHAPTERS, **QUAY, **ANONYMOUS}),
}
"""Nothing here plays a `cuelabs`, an `olareg` or a `serverless-registry`.
`quay-login` is the same Quay as `quay`. moto is no witness of ECR's answers: its /v2 is a few lines of ours, and its
calls are held against our emulator in tests/second_opinions/test_ecr.py, with what moto is known to do otherwise."""
