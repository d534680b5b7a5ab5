"""A file of policies in which each row that there is stands once, and repositories in which each of them matters."""

import datetime as dt
import json
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from holystone.adapters.http import dates
from holystone.api import client
from holystone.demo.images import Built
from holystone.demo.publisher import Push
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RepositoryPath, Tag
from holystone.workflows import reading
from tests.emulators.harbor import PASSWORD, HarborEmulator
from tests.support import images
from tests.support.command_line import Bench, Ran, now
from tests.support.distribution_storage import write
from tests.support.docker_registry import DockerRegistry, docker_registry
from tests.support.git_clone import GitClone

DAY: Final = 86_400
LONG_AGO: Final = 600
"""Days: before the last twelve months that have an image."""
REVISION: Final = "org.opencontainers.image.revision"
FILE: Final = r"""
format: 1
registries:
  HOST: {implementation: harbor, credentials: {username: env:HARBOR_USER, password: file:harbor-password}}
in-use:
  kubernetes: all
  lists: [in-use.txt]
clones:
  shop: SHOP
  gitops: GITOPS
policies:
  - name: shop
    repositories: ["HOST/shop/**"]
    except: ["**/cache"]
    keep:
      - tags: [latest, stable]
      - tags: "/^v?(?P<version>[0-9]+\\.[0-9]+\\.[0-9]+.*)$/"
        semver: {newest: 5, per: minor, prereleases-within: 14d}
      - {tags: "/^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$/", branch-exists-in: shop, newest: 5, per: branch}
      - commits-of: shop
        by: label org.opencontainers.image.revision
        keep-policies: [{references: {branch: /.*/, limit: {in: 720h}}, imagesPerReference: {last: 3}}]
      - {mentioned-in: gitops, within: 30d}
      - {tags: {file: pinned.csv}}
      - {label: {name: keep, value: "true"}}
      - {pushed-within: 30d}
      - {pulled-within: 90d}
      - {thin: {daily: 7, weekly: 8, monthly: 12}}
    untagged: {after: 7d}
    orphaned: {after: 30d}
  - name: build caches
    repositories: ["**/cache"]
    keep: [{pushed-within: 14d}]
    untagged: {after: 1d}
    may-empty: true
projects:
  - {directory: BLOG, images-repo: HOST/blog, stages-storage: HOST/blog/stages}
include: {"teams/a.yaml": "HOST/team-a/**"}
"""
TEAM: Final = "format: 1\npolicies: [{name: team a, repositories: HOST/team-a/**, keep: [{newest: 2}]}]\n"
WERF_YAML: Final = "configVersion: 1\nproject: blog\n---\nimage: web\nfrom: alpine:3.12\n"
PULLS: Final = "      - {pulled-within: 90d}\n"


class RowShop:
    """A registry, two clones, and a person with a file. What is pushed is there once the registry `serves` it."""

    def __init__(self, bench: Bench, host: str, folder: Path) -> None:
        self.bench = bench
        self.host = host
        self.clone = GitClone(_made(folder / "shop"))
        self.gitops = GitClone(_made(folder / "gitops"))
        self.blog = GitClone(_made(folder / "blog"))
        self.blog.write("werf.yaml", WERF_YAML)
        self.built_long_ago = self.clone.head
        """A commit of which nothing is wanted any more."""
        self._pushed = 0
        self._noon = int(now()) // DAY * DAY - DAY / 2
        self._pushes: list[tuple[Push, float]] = []
        bench.env = {"HARBOR_USER": "sweeper"}

    def write_files(self, text: str) -> None:
        words = {
            "HOST": self.host,
            "SHOP": str(self.clone.path),
            "GITOPS": str(self.gitops.path),
            "BLOG": str(self.blog.path),
        }
        files = {
            "holystone.yaml": text,
            "teams/a.yaml": TEAM,
            "harbor-password": f"{PASSWORD}\n",
            "in-use.txt": "HOST/shop/web:listed\n",
            "pinned.csv": "customer.7,the customer's until May\n",
        }
        for name, content in files.items():
            for word, value in words.items():
                content = content.replace(word, value)
            file = self.bench.project / name
            _made(file.parent)
            file.write_text(content)

    def push(
        self,
        path: str,
        tag: str | None,
        days: float | None = None,
        *,
        revision: str = "",
        labels: Mapping[str, str] | None = None,
        subject: RawManifest | None = None,
    ) -> RawManifest:
        """`days`: before yesterday's noon (UTC); None: long ago, each later than the one before."""
        self._pushed += 1
        at = self._at(LONG_AGO - self._pushed / 1_000 if days is None else days)
        said = {REVISION: revision or self.built_long_ago, **(labels or {})}
        created = dt.datetime.fromtimestamp(at, dt.UTC).isoformat()
        config = images.config(f"{path}:{tag} {at}", labels=said, created=created)
        return self._put(path, tag, at, images.image(config, subject=subject), config)

    def push_index(self, path: str, tag: str, days: float, *children: RawManifest) -> RawManifest:
        return self._put(path, tag, self._at(days), images.index(*children))

    def sign(self, path: str, subject: Digest, days: float = LONG_AGO) -> Tag:
        """As cosign does."""
        tag = Tag(f"sha256-{subject.hex}.sig")
        config = images.config(f"signature of {subject}")
        self._put(path, tag, self._at(days), images.signature(config), config)
        return tag

    def run(self, *words: str) -> Ran:
        return self.bench.run("prune", "--config", "holystone.yaml", *words)

    def had_a_look(self, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
        """A dry run so many days ago, of what is there."""
        with monkeypatch.context() as then:
            for module in (client, dates, reading):
                then.setattr(module, "time", SimpleNamespace(time=lambda: now() - days * DAY, monotonic=now))
            ran = self.run("--dry-run", "--allow-clock-skew")
        assert ran.code == 0, ran

    def tags(self, path: str) -> set[str]:
        raise NotImplementedError

    def serve(self) -> None:
        raise NotImplementedError

    def _at(self, days: float) -> float:
        return self._noon - days * DAY

    def _put(self, path: str, tag: str | None, at: float, raw: RawManifest, *blobs: bytes) -> RawManifest:
        built = Built(raw.body, raw.media_type, raw.digest, blobs=blobs)
        self._pushes.append((Push(RepositoryPath(path), Tag(tag) if tag else raw.digest, built), at))
        return raw


class OnHarbor(RowShop):
    """Harbor tells when tags were pushed and pulled, and lists what has no tag."""

    def __init__(self, bench: Bench, harbor: HarborEmulator, folder: Path) -> None:
        super().__init__(bench, harbor.host, folder)
        self._harbor = harbor
        self.write_files(FILE)
        # A project of which nothing is shown is left alone.
        self.push("blog/stages", "managed-image-web", labels={"werf": "blog"})
        self.push("blog/web", "readme")

    def serve(self) -> None:
        storage = self._harbor.storage
        for push, at in self._pushes:
            for blob in push.built.blobs:
                storage.put_blob(push.repository, blob)
            tag = push.reference if isinstance(push.reference, Tag) else None
            storage.put_manifest(push.repository, push.built.manifest, push.built.media_type, tag)
            state = storage.repositories[push.repository]
            state.pushed[push.built.digest] = at
            if tag:
                state.tagged[tag] = at
        self._pushes.clear()

    def lock(self, path: str, tag: str) -> None:
        self._harbor.lock(path, tag)

    def pull(self, path: str, tag: str, days: float) -> None:
        self._harbor.pull_times[path, tag] = self._at(days)

    def tags(self, path: str) -> set[str]:
        return set(map(str, self._harbor.storage.repositories[RepositoryPath(path)].tags))

    def manifests(self, path: str) -> set[Digest]:
        return set(map(Digest, self._harbor.storage.repositories[RepositoryPath(path)].manifests))


class OnDistribution(RowShop):
    """A real docker-registry, which tells neither: build times count, and the row about pulls would be refused."""

    def __init__(self, bench: Bench, registry: DockerRegistry, folder: Path) -> None:
        super().__init__(bench, registry.host, folder)
        self._registry = registry
        self.write_files(FILE.replace(PULLS, "").replace("implementation: harbor", "implementation: default"))

    @staticmethod
    def begun(folder: Path) -> AbstractAsyncContextManager[DockerRegistry]:
        return docker_registry(_made(folder / "registry"))

    def serve(self) -> None:
        write(self._registry.storage, (push for push, _ in self._pushes))

    def tags(self, path: str) -> set[str]:
        with urllib.request.urlopen(f"{self._registry.url}/v2/{path}/tags/list") as reply:
            return set(json.load(reply)["tags"] or ())


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
