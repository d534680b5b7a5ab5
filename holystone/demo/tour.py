"""`holystone demo`: a sample project on a registry of its own, cleaned by the real program, told to somebody who has
never seen werf."""

import os
import secrets
import tempfile
import time
from pathlib import Path

import aiohttp
import anyio
import msgspec

from holystone.adapters.state.own_files import open_own
from holystone.api.client import Client
from holystone.demo.project import build_demo
from holystone.demo.published import PublishedProject
from holystone.embedded.access import Basic, User
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.errors import HolystoneError
from holystone.engine.events import listening
from holystone.engine.model.manifests import MANIFEST_TYPES
from holystone.engine.model.plan import Plan
from holystone.engine.report.causes import failure
from holystone.engine.report.plan_text import plan_lines
from holystone.engine.report.words import count
from holystone.settings.resolve import resolve
from holystone.settings.values import CleanupSettings
from holystone.ui.output import report
from holystone.ui.progress import ProgressLines
from holystone.ui.reporter import TextReporter


async def tour(*, keep: bool) -> int:
    """The exit code. `keep`: the registry goes on serving until the program is stopped."""
    # Every user of the machine can reach a port of it. The program shows no password that it knows: who looks around
    # gets one of his own.
    login, shown = ((name, secrets.token_urlsafe(12)) for name in ("demo", "me"))
    auth = Basic({name: User(password) for name, password in (login, shown)})
    with tempfile.TemporaryDirectory(prefix="holystone-demo-") as folder:
        async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8, auth=auth, records=False) as registry:
            project = await _publish(Path(folder), registry, login)
            settings = _settings(Path(folder), registry.host, project, login)
            plan = await _clean(settings)
            await _look_again(registry.url, plan, login)
            if keep:
                _say(
                    "The registry goes on until you press Ctrl-C. To look around in it:",
                    f"  curl -u {':'.join(shown)} {registry.url}/v2/_catalog",
                )
                await anyio.sleep_forever()
    return 0


async def _publish(folder: Path, registry: EmbeddedRegistry, login: tuple[str, str]) -> PublishedProject:
    _title("1. A project that was built with werf 1.1 for a while")
    project = await build_demo(folder / "project", registry.url, now=int(time.time()), credentials=login)
    _say(
        f"A registry listens on {registry.host}; it behaves like distribution 2.8, which cannot delete a single tag.",
        f"The project {project.project} has a git repository and {count(len(project.images), 'image')} "
        f"({', '.join(project.images)}).",
        "Every push to git built them and published, for good:",
        f"  {len(project.tags):>4} image tags in {registry.host}/{project.images_repo}/…",
        f"  {len(project.stages):>4} stages, the layers of the builds, in {registry.host}/{project.stages_storage}",
        f"  {len(project.metadata):>4} records of which commit was built into what, in the same place",
        "Nothing ever deleted any of it.",
    )
    return project


async def _clean(settings: CleanupSettings) -> Plan:
    _title("2. What may go? The plan, with a reason for every tag (this is what --dry-run shows)")
    reporter = TextReporter()
    async with Client(settings, os.environ) as client:
        plan = await client.plan()
        report(*plan_lines(plan, every_tag=True), "")
        _title("3. The same plan, carried out and checked (this is what a nightly run prints)")
        with listening(ProgressLines(quiet=False).heard):
            applied = await client.apply(plan, lambda plan, _: reporter.announced(plan))
        if error := failure(applied.run, applied.result):
            raise HolystoneError(
                f"The demo's own cleanup failed. {error.message}", what_to_do="Please report this with the output."
            )
        reporter.carried_out(applied.run, plan, applied.result, "done", 0, None)
    return plan


async def _look_again(url: str, plan: Plan, login: tuple[str, str]) -> None:
    """Looks at the registry after the cleanup, by other means than the program's own."""
    _title("4. Is everything that was kept still there?")
    headers = {"Accept": ", ".join(MANIFEST_TYPES)}
    kept = missing = gone = 0
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth(*login), timeout=timeout) as client:

        async def status(path: str, reference: str) -> int:
            async with client.get(f"{url}/v2/{path}/manifests/{reference}", headers=headers) as reply:
                return reply.status

        for repository in plan.repositories:
            for reference in (*(each.tag for each in repository.kept), *repository.kept_manifests):
                kept += 1
                missing += await status(repository.repository.path, reference) != 200
            for tag in repository.doomed_tags:
                gone += await status(repository.repository.path, tag) == 404
    doomed = sum(len(each.doomed_tags) for each in plan.repositories)
    if missing or gone != doomed:
        raise HolystoneError(
            f"{missing} of {kept} kept tags and manifests are missing, {gone} of {doomed} tags are gone"
        )
    _say(
        f"Asked with plain HTTP: {kept} kept tags and manifests are still there, and {gone} doomed tags are gone.",
        "That was `holystone cleanup`. README.md shows how to run it on a project of yours, with --dry-run first.",
    )


def _settings(folder: Path, host: str, project: PublishedProject, login: tuple[str, str]) -> CleanupSettings:
    (folder / "docker").mkdir()
    entry = {"username": login[0], "password": login[1]}
    with open(folder / "docker" / "config.json", "wb", opener=open_own) as file:
        file.write(msgspec.json.encode({"auths": {host: entry}}))
    return resolve(
        {
            "images_repo": f"{host}/{project.images_repo}",
            "stages_storage": f"{host}/{project.stages_storage}",
            "dir": str(project.path),
            "docker_config": str(folder / "docker"),
            "state_dir": str(folder / "state"),
            "cache_dir": str(folder / "cache"),
            "without_kube": "true",
        },
        {},
    )


def _title(text: str) -> None:
    report("", text, "─" * len(text), "")


def _say(*lines: str) -> None:
    report(*lines)
