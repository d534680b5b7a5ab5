"""A plain world on a registry: with real bytes, read over HTTP by what a run reads with, and judged."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.detection import Detected
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.embedded.quirks import DISTRIBUTION_2_8, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.embedded.storage import Storage
from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.manifests import DOCKER_CONFIG, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from holystone.engine.model.plan import Plan
from holystone.engine.model.reasons import KeepReason
from holystone.engine.model.references import Digest, ImageName
from holystone.engine.model.refusals import Refusal
from holystone.engine.names import parse_address, parse_used_image, repository_of
from holystone.policies.werf.v1 import ImagesRepo
from holystone.workflows.decide import decide
from holystone.workflows.decision import Rules, Scope
from holystone.workflows.inventory import ProjectInventory, RepositoryTarget, located_image, read_inventory
from holystone.workflows.planning import PlanningOptions, make_plan
from tests.support.notice_texts import notice_texts
from tests.support.plain_world import HOST, REPO, Image, World
from tests.support.real_pipeline import intent_of
from tests.support.spools import FOLDER

Name: TypeAlias = tuple[str, str]
"""Repository and tag."""
EMPTY_CONFIG = b"{}"


@dataclass(frozen=True)
class Judged:
    """What becomes of each tag, and why."""

    goes: Mapping[Name, Sequence[DeleteReason]]
    stays: Mapping[Name, Sequence[KeepReason]]
    refusals: tuple[Refusal, ...]
    notices: tuple[str, ...]
    inventory: ProjectInventory

    @property
    def verdicts(self) -> Mapping[Name, tuple[str, Sequence[DeleteReason | KeepReason]]]:
        gone = {name: ("goes", why) for name, why in self.goes.items()}
        return {**gone, **{name: ("stays", why) for name, why in self.stays.items()}}


class Site:
    """A registry that holds one world after another."""

    def __init__(self, registry: EmbeddedRegistry, nowhere: Path) -> None:
        self.registry = registry
        self._nowhere = nowhere

    def hold(self, world: World, random: Random) -> World:
        """The world with the digests that its images really have."""
        self.registry.faults.clear()
        storage = self.registry.storage
        storage.blobs.clear()
        storage.repositories.clear()
        found = _stored(world, storage)
        _adorned(storage, random)
        return replace(found, used=[each.replace(HOST, self.registry.host) for each in found.used])

    async def judge(self, world: World) -> Judged:
        """Raises what the reading of it raises."""
        host = self.registry.host
        layout = ImagesRepo.at(parse_address(f"{host}/{REPO}"), world.mode)
        identity = Detected("default", "user")
        storage = RepositoryTarget(repository_of(parse_address(f"{host}/{world.storage}")), "default", "stages")
        images = [ImageName(name) for name in world.configured]
        rules = Rules(v1_2=world.v1_2, v1_2_confirmed=False, stages_grace=world.grace, as_of=world.now)
        used = [parse_used_image(name, ListEntry("a file")) for name in world.used]
        with SqliteDigestCache(None) as cache:
            async with Connections(self._nowhere) as connections:
                inventory = await read_inventory(connections, cache, layout, identity, storage, images)
                intent = await intent_of(world, inventory, complete=True)
                decision = decide(inventory, intent, Scope(world.images, world.stages), rules, used)
                located = {each: located_image(each, identity) for each in inventory.snapshots}
                options = PlanningOptions("cleanup", world.now, fuse=None, folder=FOLDER)
                plan = await make_plan(connections, cache, decision, inventory.snapshots, located, options)
        return _judged(plan, inventory)


@asynccontextmanager
async def site(nowhere: Path, quirks: Quirks = DISTRIBUTION_2_8) -> AsyncIterator[Site]:
    """`nowhere`: a folder without any login."""
    async with EmbeddedRegistry(quirks=quirks) as registry:
        yield Site(registry, nowhere)


def _judged(plan: Plan, inventory: ProjectInventory) -> Judged:
    goes: dict[Name, Sequence[DeleteReason]] = {}
    stays: dict[Name, Sequence[KeepReason]] = {}
    for each in plan.repositories:
        path = str(each.repository.path)
        stays |= {(path, str(kept.tag)): kept.reasons for kept in each.kept}
        for step in each.steps:
            for tag in getattr(step, "tags", None) or ([step.tag] if hasattr(step, "tag") else []):
                goes[path, str(tag)] = step.reasons
    return Judged(goes, stays, plan.refusals, notice_texts(plan.notices), inventory)


def _stored(world: World, storage: Storage) -> World:
    known = {each.config: each for there in world.contents.values() for each in there.values() if each}
    ids: dict[str, str] = {}
    """Of configurations, by what the world calls them."""
    digests: dict[str, str] = {}

    def image_id(name: str) -> str:
        if name not in ids:
            ids[name] = Digest.of(encoded(known[name])) if name in known else name
        return ids[name]

    def encoded(about: Image) -> bytes:
        labels = {
            key: image_id(value) if key.startswith("werf-import-") else value for key, value in about.labels.items()
        }
        document: dict[str, Any] = {"config": {"Labels": labels}, "comment": about.config}
        if about.parent:
            document["config"]["Image"] = image_id(about.parent)
        if about.created:
            document["created"] = datetime.fromtimestamp(about.created, UTC).isoformat()
        return json.dumps(document).encode()

    contents: dict[str, dict[str, Image | None]] = {}
    for repository, there in world.contents.items():
        state = storage.repository(repository)
        contents[repository] = {}
        for tag, about in there.items():
            contents[repository][tag] = None
            if about is None:
                state.tags[tag] = Digest.of(f"lost {tag}".encode())
                continue
            config = storage.put_blob(repository, encoded(about))
            described = {"mediaType": DOCKER_CONFIG, "digest": config, "size": 1}
            body = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": described, "x": about.manifest}
            digest = storage.put_manifest(repository, json.dumps(body).encode(), DOCKER_MANIFEST, tag).digest
            digests[about.manifest] = digest
            contents[repository][tag] = replace(about, manifest=digest, config=image_id(about.config))
    used = []
    for name in world.used:
        for old, new in (*ids.items(), *digests.items()):
            name = name.replace(old, new)
        used.append(name)
    return replace(world, contents=contents, used=used)


def _adorned(storage: Storage, random: Random) -> None:
    """With what makes manifests hang together: signatures under tags, referrers, indexes of strangers."""
    for repository, state in storage.repositories.items():
        for digest in random.sample(sorted(state.manifests), min(3, len(state.manifests))):
            about = state.manifests[digest]
            descriptor = {"mediaType": about.media_type, "digest": digest, "size": len(about.body)}
            match random.choice(["signature", "referrer", "index"]):
                case "signature":
                    put_artifact(storage, repository, f"signs {digest}", digest.replace(":", "-") + ".sig")
                case "referrer":
                    put_artifact(storage, repository, f"speaks of {digest}", subject=descriptor)
                case _:
                    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor]}
                    storage.put_manifest(repository, json.dumps(index).encode(), OCI_INDEX, f"all-{digest[-5:]}")


def put_artifact(storage: Storage, repository: str, what: str, tag: str | None = None, **more: object) -> Digest:
    """What is no image, e.g. somebody's signature."""
    config = storage.put_blob(repository, EMPTY_CONFIG)
    kind = "application/vnd.oci.empty.v1+json"
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": kind, "digest": config, "size": len(EMPTY_CONFIG)},
        "layers": [],
        "annotations": {"what": what},
        **more,
    }
    return storage.put_manifest(repository, json.dumps(body).encode(), OCI_MANIFEST, tag).digest
