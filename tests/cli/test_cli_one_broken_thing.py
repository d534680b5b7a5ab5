"""Whatever cannot be read, parsed or understood protects itself and what could hang on it, and nothing else waits for
it: any one broken thing is added to a project, and all the rest is judged as before."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holystone.embedded.faults import Answer, Drop, Fault, Truncate
from holystone.embedded.storage import Storage, digest_of
from holystone.engine.model.manifests import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from holystone.engine.model.references import Digest
from holystone.engine.naming import kind_of, parse_rejected_tag
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import copy_of, tiny_project

STAGES: Final = "shop/stages"
APPS: Final = ("shop/app/backend", "shop/app/front")
LABELS: Final = {"werf": "shop", "werf-image": "true", "werf-content-signature": "c" * 56, "werf-image-tag": "c" * 56}
STAGE_TAG: Final = f"{'d' * 56}-1500000000000"
IMAGE_TAG: Final = "c" * 56

Gone = frozenset[tuple[str, str]]


@dataclass
class Here:
    """Where something is broken: a repository, and a name that is free in it."""

    shop: Bench
    repository: str
    tag: str

    @property
    def storage(self) -> Storage:
        return self.shop.registry.storage

    def fault(self, method: str, path: str, action: Any) -> None:
        self.shop.registry.faults.add(Fault(method, f"/{self.repository}/{path}", action, times=None))

    def manifest(self, document: object, media_type: str = OCI_MANIFEST) -> Digest:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.stored(digest_of(body), body, media_type)

    def stored(self, digest: Digest, body: bytes, media_type: str = OCI_MANIFEST) -> Digest:
        """As a storage can hold it, whatever a push would say."""
        state = self.storage.repository(self.repository)
        like = next(iter(state.manifests.values()))
        state.manifests[digest] = msgspec.structs.replace(like, digest=digest, body=body, media_type=media_type)
        state.tags[self.tag] = digest
        return digest

    def image(self, config: object, *, blob: bool = True, media_type: str = OCI_CONFIG) -> Digest:
        body = config if isinstance(config, bytes) else json.dumps(config).encode()
        if blob:
            self.storage.put_blob(self.repository, body)
        described = {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}
        return self.manifest({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": []})

    def config(self, digest: Digest) -> str:
        body = self.storage.repository(self.repository).manifests[digest].body
        return str(json.loads(body)["config"]["digest"])


Break = Callable[[Here], None]


def good(**more: object) -> dict[str, object]:
    return {"created": "2017-07-14T02:40:00Z", "config": {"Labels": LABELS, "Image": ""}, **more}


def inside(**config: object) -> dict[str, object]:
    return good(config={"Labels": LABELS, **config})


def odd_name(name: str) -> Break:
    def act(here: Here) -> None:
        state = here.storage.repository(here.repository)
        state.tags[name] = here.image({"a": "stranger's"})
        del state.tags[here.tag]

    return act


def config(document: object, **how: Any) -> Break:
    def act(here: Here) -> None:
        here.image(document, **how)

    return act


def document(content: object, media_type: str = OCI_MANIFEST) -> Break:
    def act(here: Here) -> None:
        here.manifest(content, media_type)

    return act


def refused(what: str, action: Any) -> Break:
    """One path of the new thing is answered so: that of the tag, of its manifest, or of its configuration."""

    def act(here: Here) -> None:
        digest = here.image(good(only=what + repr(action)))
        match what:
            case "tag":
                here.fault("HEAD", f"manifests/{here.tag}$", action)
            case "manifest":
                here.fault("GET", f"manifests/{digest}$", action)
            case _:
                here.fault("GET", f"blobs/{here.config(digest)}$", action)

    return act


def dangling(here: Here) -> None:
    here.storage.repository(here.repository).tags[here.tag] = digest_of(b"nothing")


def damaged(here: Here) -> None:
    here.stored(digest_of(b"what it was"), json.dumps({"schemaVersion": 2}).encode())


def buildkit(here: Here) -> None:
    layer = here.storage.put_blob(here.repository, b"a layer of a cache")
    kinds = ("application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.buildkit.cacheconfig.v0")
    listed = [{"mediaType": kind, "digest": layer, "size": 1} for kind in kinds]
    here.manifest({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}, OCI_INDEX)


def schema_1(here: Here) -> None:
    payload = (
        b'{\n   "schemaVersion": 1,\n   "name": "shop",\n   "tag": "old",\n   "fsLayers": [],\n   "history": []\n}'
    )

    def encoded(text: bytes) -> str:
        return base64.urlsafe_b64encode(text).decode().rstrip("=")

    head = payload[:-2]
    protected = json.dumps({"formatLength": len(head), "formatTail": encoded(payload[-2:]), "time": "2015"}).encode()
    signature = json.dumps({"header": {}, "signature": "x", "protected": encoded(protected)}).encode()
    body = head + b',\n   "signatures": [' + signature + b"]\n}"
    digest = Digest(f"sha256:{hashlib.sha256(payload).hexdigest()}")
    here.stored(digest, body, "application/vnd.docker.distribution.manifest.v1+prettyjws")


ODD_NAMES: Final = {
    "a digest as a name": "sha256:" + "a" * 64,
    "a name that is too long": "x" * 129,
    "a name with a space": "with space",
    "a name with a slash": "a/b",
    "a path as a name": "../../etc",
    "a name of two dots": "..",
    "a name that begins with a dot": ".hidden",
    "a name that begins with a dash": "-x",
    "a name with a line feed": "a\n::error::b",
    "a name with a terminal's command": "a\x1b[2Jb",
    "a name that is no ASCII": "größe",
    "a name with a question mark": "a?b#c",
    "a name with a percent sign": "a%2fb",
    "an empty name": "",
}
KNOWN: Final[Mapping[str, Break]] = {
    **{what: odd_name(name) for what, name in ODD_NAMES.items()},
    "a parent that is a name": config(inside(Image="ubuntu:20.04")),
    "a parent that is a number": config(inside(Image=5)),
    "a parent of another algorithm": config(inside(Image="sha1:" + "a" * 40)),
    "labels that are a list": config(good(config={"Labels": ["werf=shop"]})),
    "labels that are a text": config(good(config={"Labels": "werf=shop"})),
    "a label that is a number": config(inside(Labels={**LABELS, "x": 1})),
    "a label that is an object": config(inside(Labels={**LABELS, "werf-import-x": {}})),
    "a creation time that is none": config(good(created="yesterday")),
    "a creation time that is a number": config(good(created=1500000000)),
    "a creation time without end": config(good(created="9999-99-99T99:99:99Z")),
    "a creation time that is an object": config(good(created={})),
    "a configuration whose config is a list": config(good(config=[])),
    "a configuration whose config is a text": config(good(config="x")),
    "somebody else's configuration": config({"helm": True}, media_type="application/vnd.cncf.helm.config.v1+json"),
    "a configuration of an unknown kind": config({"a": 1}, media_type="application/octet-stream"),
    "BuildKit's cache": buildkit,
    "a signed manifest of schema 1": schema_1,
    "an unsigned manifest of schema 1": document({"schemaVersion": 1, "fsLayers": []}),
    "an index of nothing": document({"schemaVersion": 2, "manifests": []}, OCI_INDEX),
    "a manifest with nothing in it": document({}),
}
"""Read, and told; nothing hangs on it."""
MALFORMED: Final[Mapping[str, Break]] = {
    "a manifest that is no JSON": document(b'{"schemaVersion": 2, "config": {"dig'),
    "a manifest that is a list": document([]),
    "a manifest that is no text": document(b"\xff\xfe"),
    "a manifest nested without end": document(b'{"x":' + b"[" * 10_000),
    "a digest that is none in a manifest": document({"schemaVersion": 2, "config": {"digest": "sha256:1"}}),
    "a list of manifests that is an object": document({"schemaVersion": 2, "manifests": {}}, OCI_INDEX),
    "a size that is a text": document({"config": {"digest": "sha256:" + "a" * 64, "size": "1"}}),
    "a key that comes twice": document(b'{"schemaVersion": 2, "config": null, "config": null}'),
    "an index that lists nothing": document({"schemaVersion": 2, "mediaType": OCI_INDEX}, OCI_INDEX),
    "a tag without a manifest": dangling,
}
"""Where it has a stage's name it may be one. No image of ours is so: none of them can be pulled."""
LOST: Final[Mapping[str, Break]] = {
    "a configuration that is lost": config(good(lost=1), blob=False),
    "a configuration that is no JSON": config(b'{"created": "2017'),
    "a configuration that is a list": config([]),
    "a configuration that is no text": config(b"\xff\xfe"),
    "a configuration nested without end": config(b'{"config":' + b"[" * 10_000),
    "a configuration with two meanings": config(b'{"config": {"Labels": {}}, "Config": {"Labels": {"werf": "shop"}}}'),
    "a manifest whose bytes are others": damaged,
    **{
        f"a {what} that is answered by {answer!r}": refused(what, answer)
        for what in ("tag", "manifest", "configuration")
        for answer in (Answer(500), Answer(403), Answer(400), Drop())
    },
    "a manifest that is cut short": refused("manifest", Truncate(20)),
    "a configuration that is cut short": refused("configuration", Truncate(5)),
}
"""Whatever it is, it may be built on any stage."""
EVERY: Final = {**KNOWN, **MALFORMED, **LOST}


def test_there_are_enough() -> None:
    assert len(EVERY) >= 60


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list["Project"]]:
    made = []
    for number, rich in enumerate((False, True)):
        folder: Path = tmp_path_factory.mktemp(f"world-{number}")
        with bench(folder) as shop:
            tiny_project(shop.project, shop.registry.storage, now=now(), rich=rich, commits=4 + number)
            made.append((folder, shop.project, copy_of(shop.registry.storage)))
    folder = tmp_path_factory.mktemp("shop")
    with bench(folder) as shop:
        projects = [Project(shop, project, storage) for _, project, storage in made]
        yield projects


class Project:
    def __init__(self, shop: Bench, path: Path, storage: Storage) -> None:
        self.shop = shop
        self._path = path
        self._storage = storage
        self.before = self.gone()

    def gone(self, act: Callable[[Bench], None] | None = None) -> Gone:
        """What goes, after `act`."""
        fresh, storage = copy_of(self._storage), self.shop.registry.storage
        storage.blobs.clear()
        storage.blobs.update(fresh.blobs)
        storage.repositories.clear()
        storage.repositories.update(fresh.repositories)
        self.shop.registry.faults.clear()
        self.shop.project = self._path
        if act:
            act(self.shop)
        ran = self.shop.cleanup("--dry-run", "--output=json", "--yes-delete-that-many")
        assert ran.code == 0, ran
        self.notices = " ".join(ran.json["plan"]["notices"])
        return frozenset(
            (each["repository"]["path"], tag)
            for each in ran.json["plan"]["repositories"]
            for step in (step for one in each["passes"] for step in one["steps"])
            for tag in (step.get("tags") or ([step["tag"]] if "tag" in step else []))
        )


def stages_and_marks(gone: Gone) -> Gone:
    return frozenset(
        (at, tag) for at, tag in gone if at == STAGES and (kind_of(tag) == "stage" or parse_rejected_tag(tag))
    )


@pytest.mark.parametrize("what", EVERY)
def test_whatever_is_added_is_a_fact_about_itself(worlds: list[Project], what: str) -> None:
    @settings(max_examples=2, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(worlds), st.sampled_from([(STAGES, STAGE_TAG), *((app, IMAGE_TAG) for app in APPS)]))
    def check(project: Project, place: tuple[str, str]) -> None:
        repository, tag = place
        gone = project.gone(lambda shop: EVERY[what](Here(shop, repository, tag)))
        may_hang: Gone = frozenset()
        if what in LOST or (what in MALFORMED and tag == STAGE_TAG):
            may_hang |= stages_and_marks(project.before)
        if what in LOST and "configuration" not in what:
            may_hang |= {(at, each) for at, each in project.before if at == repository}  # any manifest may be behind it
        assert (repository, tag) not in gone
        assert gone <= project.before
        assert project.before - gone == may_hang

    check()


@pytest.mark.parametrize("labels", [["werf=shop"], {**LABELS, "werf-image": True}, LABELS])
def test_an_image_whose_labels_make_no_sense_keeps_the_stage_it_is_built_on(
    worlds: list[Project], labels: object
) -> None:
    project = worlds[1]
    stage = min(tag for at, tag in project.before if at == STAGES and kind_of(tag) == "stage")

    def act(shop: Bench) -> None:
        parent = Here(shop, STAGES, stage).config(shop.registry.storage.repository(STAGES).tags[stage])
        Here(shop, APPS[0], IMAGE_TAG).image({"created": "yesterday", "config": {"Labels": labels, "Image": parent}})

    gone = project.gone(act)
    assert gone < project.before
    assert (STAGES, stage) not in gone


@pytest.mark.parametrize("repository", [STAGES, APPS[0]])
@pytest.mark.parametrize(
    "what",
    [
        "a name with a slash",
        "BuildKit's cache",
        "a parent that is a name",
        "a configuration that is answered by Answer(status=403, body=b'', headers={})",
        "a manifest that is answered by Answer(status=500, body=b'', headers={})",
        "a tag that is answered by Answer(status=500, body=b'', headers={})",
    ],
)
def test_a_run_does_what_it_can_and_a_second_one_nothing(worlds: list[Project], what: str, repository: str) -> None:
    project, tag = worlds[1], STAGE_TAG if repository == STAGES else IMAGE_TAG
    planned = project.gone(lambda shop: EVERY[what](Here(shop, repository, tag)))
    shop = project.shop
    names = {(at, name) for at, (tags, _) in shop.contents().items() for name in tags}
    options = ("--yes-delete-that-many", "--accept-new-baseline")
    ran = shop.cleanup(*options)
    assert ran.code == 0, ran
    left = {(at, name) for at, (tags, _) in shop.contents().items() for name in tags}
    assert names - left == planned
    shop.registry.faults.clear()
    again = shop.cleanup("--dry-run", "--output=json", *options).json["plan"]["repositories"]
    if what in LOST:
        assert all((at, name) in left for at, name in project.before - planned), "all that waited is still there"
    else:
        assert not [each for each in again if each["passes"]]


@pytest.mark.parametrize("size", ["-1", "1" + "0" * 400, "9" * 4300])
def test_a_doomed_image_whose_layer_has_a_size_beyond_all_numbers(shop: Bench, size: str) -> None:
    storage = shop.registry.storage
    before = shop.cleanup("--dry-run", "--output=json").json["plan"]["repositories"]
    (tag, *_), name = next(
        (step["tags"], at["repository"]["path"])
        for at in before
        for step in (step for each in at["passes"] for step in each["steps"])
        if at["repository"]["path"] in APPS and step.get("tags")
    )
    old = storage.repositories[name].manifests[storage.repositories[name].tags[tag]]
    layer = f'"layers":[{{"mediaType":"a/b","digest":"{old.blobs[0]}","size":{size}}},'.encode()
    body = old.body.replace(b'"layers":[', layer, 1).replace(b",]", b"]")
    assert body != old.body
    digest = digest_of(body)
    storage.repositories[name].manifests[digest] = msgspec.structs.replace(old, digest=digest, body=body)
    storage.repositories[name].tags[tag] = digest
    done = shop.cleanup()
    assert done.code == 0, done
    assert tag not in storage.repositories[name].tags
