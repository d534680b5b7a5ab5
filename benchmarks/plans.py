"""How long the decisions of a big repository take: closure, plan and proof."""

import hashlib
import random
import statistics
import time
from collections.abc import Iterator

from benchmarks.lines import Line, line
from holystone.engine.closure.close import close
from holystone.engine.model.capabilities import Capabilities, DigestDeletion, LastTag
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_MANIFEST, Manifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import plan_closed

_TAGS = 50_000
_REPEATS = 3
_CAN = Capabilities("default", digests=DigestDeletion(tombstones=LastTag(), cost_grows=True))


def measure_plans() -> Iterator[Line]:
    snapshot = _snapshot()
    rng = random.Random(1)
    verdicts = {tag: Delete((NotNeeded(),)) if rng.random() < 0.8 else Keep(()) for tag in snapshot.tags}
    facts = TagFacts(written_once=frozenset(snapshot.tags))
    seconds = []
    for _ in range(_REPEATS):
        begun = time.process_time()
        closed = close(snapshot, verdicts)
        plan = plan_closed(snapshot, closed, _CAN, facts)
        problems = check_plan(snapshot, plan)
        seconds.append(time.process_time() - begun)
        if problems:
            raise RuntimeError(problems[0])
    yield line(
        f"plan of a repository of {_TAGS:,} tags, s",
        statistics.median(seconds),
        f"Closure, plan and proof of {_TAGS} tags on as many manifests, four of five doomed: processor time, "
        f"median of {_REPEATS}.",
        goal=5.0,
    )


def _snapshot() -> RepositorySnapshot:
    digests = [Digest(f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}") for number in range(_TAGS)]
    return RepositorySnapshot(
        Repository(RegistryHost("registry.example.com"), RepositoryPath("bench/stages")),
        tags={Tag(f"{digest.hex[:56]}-1500000000000"): digest for digest in digests},
        broken={},
        manifests={digest: Manifest(digest, DOCKER_MANIFEST, 500) for digest in digests},
        configs={},
    )
