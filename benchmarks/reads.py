"""Requests that a cleanup makes before it deletes anything, against the least that could do."""

import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from benchmarks.lines import Line, line
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.demo.project import build_large
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Digest
from holystone.settings.resolve import resolve
from holystone.settings.values import CleanupSettings
from holystone.workflows.decision import Scope
from holystone.workflows.prepare import prepare_plan
from holystone.workflows.session import open_session


class _CountedCache(SqliteDigestCache):
    """Knows how much there was to learn."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.learned: set[Digest] = set()

    async def learn_manifests(self, manifests: Iterable[RawManifest]) -> None:
        learned = [*manifests]
        self.learned.update(each.digest for each in learned)
        await super().learn_manifests(learned)

    async def learn_blob(self, digest: Digest, body: bytes) -> None:
        self.learned.add(digest)
        await super().learn_blob(digest, body)


async def measure_reads() -> AsyncIterator[Line]:
    with tempfile.TemporaryDirectory(prefix="holystone-bench-") as name:
        folder = Path(name)
        async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry:
            project = await build_large(folder / "project", registry.url, now=int(time.time()), seed=1)
            settings = resolve(
                {
                    "images_repo": f"{registry.host}/{project.images_repo}",
                    "stages_storage": f"{registry.host}/{project.stages_storage}",
                    "dir": str(project.path),
                    "docker_config": str(folder / "docker"),
                    "state_dir": str(folder / "state"),
                    "cache_dir": str(folder / "cache"),
                    "without_kube": "true",
                },
                {},
            )
            for which in ("first", "next"):
                yield await _one(registry, settings, folder / "known.db", which)


async def _one(registry: EmbeddedRegistry, settings: CleanupSettings, file: Path, which: str) -> Line:
    before = len(registry.requests)
    async with open_session(settings.registry, settings.run, {}) as session:
        with _CountedCache(file) as cache:
            now = int(time.time())
            plan, *_ = await prepare_plan(session.connections, cache, settings, Scope(), "cleanup", as_of=now)
    made = len(registry.requests) - before
    least = _least(plan) + len(cache.learned)
    return line(
        f"requests up to the plan, {which} run, times the least",
        made / least,
        f"{made} requests of `cleanup` on the large sample project, against {least}: one listing a repository, one "
        "HEAD a tag, and one GET for each manifest and configuration that no earlier run has read.",
        goal=1.1,
    )


def _least(plan: Plan) -> int:
    """One listing a repository and one HEAD a tag."""
    return sum(1 + len(each.kept) + len(each.doomed_tags) for each in plan.repositories)
