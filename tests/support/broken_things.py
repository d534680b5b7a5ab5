"""Sixty and more things that are not as they should be, each of them put beside what a registry holds."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from holystone.embedded.faults import Action, Answer, Drop, Fault, Truncate
from holystone.embedded.server import EmbeddedRegistry
from holystone.embedded.storage import RepositoryState, Storage
from holystone.engine.model.manifests import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from holystone.engine.model.references import Digest

IMAGE_TAG: Final = "c" * 56
STAGE_TAG: Final = f"{'d' * 56}-1500000000000"
LABELS: Final = {
    "werf": "shop",
    "werf-image": "true",
    "werf-image-name": "app",
    "werf-content-signature": IMAGE_TAG,
    "werf-image-tag": IMAGE_TAG,
}


@dataclass
class Here:
    """Where something is broken: a repository, and a name that is free in it."""

    registry: EmbeddedRegistry
    repository: str
    tag: str
    shares: set[str] = field(default_factory=set)
    """Tags of the repository on, or under, a manifest that is also the broken thing's."""

    @property
    def storage(self) -> Storage:
        return self.registry.storage

    @property
    def state(self) -> RepositoryState:
        return self.storage.repository(self.repository)

    def fault(self, method: str, path: str, action: Action) -> None:
        self.registry.faults.add(Fault(method, f"/{self.repository}/{path}", action, times=None))

    def manifest(self, document: object, media_type: str = OCI_MANIFEST) -> Digest:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.stored(Digest.of(body), body, media_type)

    def stored(self, digest: Digest, body: bytes, media_type: str = OCI_MANIFEST) -> Digest:
        """As a storage can hold it, whatever a push would say."""
        like = next(iter(self.state.manifests.values()))
        empty: dict[str, Any] = {"blobs": (), "children": (), "subject": None}
        self.state.manifests[digest] = msgspec.structs.replace(
            like, digest=digest, body=body, media_type=media_type, **empty
        )
        self.state.tags[self.tag] = digest
        return digest

    def image(self, config: object, *, blob: bool = True, media_type: str = OCI_CONFIG, **more: object) -> Digest:
        body = config if isinstance(config, bytes) else json.dumps(config).encode()
        if blob:
            self.storage.put_blob(self.repository, body)
        described = {"mediaType": media_type, "digest": Digest.of(body), "size": len(body)}
        return self.manifest({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": [], **more})

    def config(self, digest: Digest) -> str:
        return str(json.loads(self.state.manifests[digest].body)["config"]["digest"])

    def neighbour(self) -> Digest:
        """A manifest of somebody else's in the repository, with what shares it."""
        digest = min(self.state.tags[tag] for tag in self.state.tags if self.state.tags[tag] in self.state.manifests)
        under = digest.replace(":", "-")
        self.shares |= {tag for tag, at in self.state.tags.items() if at == digest or tag.startswith(under)}
        return digest


Break = Callable[[Here], None]


def good(**more: object) -> dict[str, object]:
    return {"created": "2017-07-14T02:40:00Z", "config": {"Labels": LABELS, "Image": ""}, **more}


def inside(**config: object) -> dict[str, object]:
    return good(config={"Labels": LABELS, **config})


def unread(what: str) -> bool:
    """Whether a manifest, or what a tag stands for, is not given out: all of its repository may hang on it."""
    return what in SPOILED or (what in LOST and "configuration" not in what)


def odd_name(name: str) -> Break:
    def act(here: Here) -> None:
        state = here.state
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
    here.state.tags[here.tag] = Digest.of(b"nothing")


def attached(act: Break, *, to: str = "") -> Break:
    """Under the name of a neighbour's signature, or of one of nothing."""

    def there(here: Here) -> None:
        subject = to or here.neighbour()
        here.tag = subject.replace(":", "-") + ".att"
        here.shares.add(here.tag)
        act(here)

    return there


def damaged(here: Here) -> None:
    here.stored(Digest.of(b"what it was"), json.dumps({"schemaVersion": 2}).encode())


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


def described(digest: str, media_type: str = OCI_MANIFEST) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": 1}


def unclear_index(here: Here) -> None:
    """With a key twice, of which one reader takes the first and another the second."""
    lists = json.dumps([described(here.neighbour())])
    here.manifest(f'{{"schemaVersion": 2, "manifests": [], "manifests": {lists}}}'.encode(), OCI_INDEX)


def unclear_referrer(here: Here) -> None:
    subject = json.dumps(described(here.neighbour()))
    here.manifest(f'{{"schemaVersion": 2, "subject": null, "subject": {subject}}}'.encode())


NO_NAMES: Final = {
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
    **{what: odd_name(name) for what, name in NO_NAMES.items()},
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
    "an index with two meanings": unclear_index,
    "a manifest that refers with two meanings": unclear_referrer,
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
    "an attached tag that is answered by 500": attached(refused("tag", Answer(500))),
}
"""Whatever it is, it may be built on any stage."""


def listed(*children: object) -> dict[str, object]:
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(children)}


NOBODY: Final = described(Digest.of(b"nobody"))


def untagged(here: Here, body: bytes) -> Digest:
    """A manifest under no tag."""
    digest = here.manifest(body)
    del here.state.tags[here.tag]
    return digest


def index_of(body: bytes, action: Action | None = None) -> Break:
    def act(here: Here) -> None:
        child = untagged(here, body)
        here.manifest(listed(described(child)), OCI_INDEX)
        if action:
            here.fault("GET", f"manifests/{child}$", action)

    return act


def index_beside_a_lost_child(here: Here) -> None:
    here.manifest(listed(described(here.neighbour()), NOBODY), OCI_INDEX)


def index_of_two_alike(here: Here) -> None:
    here.manifest(listed(*[described(here.neighbour())] * 2), OCI_INDEX)


def index_of_an_index_of_nothing(here: Here) -> None:
    inner = untagged(here, json.dumps(listed(NOBODY)).encode())
    here.manifest(listed(described(inner, OCI_INDEX)), OCI_INDEX)


def index_of_a_configuration(here: Here) -> None:
    here.manifest(listed(described(here.storage.put_blob(here.repository, b"{}"), OCI_CONFIG)), OCI_INDEX)


def named_twice(here: Here) -> None:
    """A name that is none, for what has a name."""
    here.state.tags["../" + here.tag] = here.neighbour()


def referrers(action: Action) -> Break:
    def act(here: Here) -> None:
        here.fault("GET", f"referrers/{here.neighbour()}", action)

    return act


def named(tag: str, act: Break) -> Break:
    def there(here: Here) -> None:
        here.tag = tag
        act(here)

    return there


RELATED: Final[Mapping[str, Break]] = {
    "an index whose child is lost": document(listed(NOBODY), OCI_INDEX),
    "an index whose child is no JSON": index_of(b"{"),
    "an index with one child that is lost": index_beside_a_lost_child,
    "an index that lists one twice": index_of_two_alike,
    "an index of an index whose child is lost": index_of_an_index_of_nothing,
    "an index that lists a configuration": index_of_a_configuration,
    "an index of another algorithm": document(listed(described("sha512:" + "a" * 128)), OCI_INDEX),
    "a manifest that refers to nothing": config({}, media_type="application/vnd.oci.empty.v1+json", subject=NOBODY),
    "a name that is none, of what has a name": named_twice,
    "an attached tag that dangles": attached(dangling),
    "an attached tag of nothing": attached(config({}), to="sha256:" + "e" * 64),
    "an attached tag that is no JSON": attached(document(b"{")),
    "an attached tag that is an index of nothing": attached(document(listed(NOBODY), OCI_INDEX)),
    **{
        f"a list of referrers that is answered by {answer!r}": referrers(answer)
        for answer in (Answer(500), Answer(403), Answer(200, b"{"), Answer(200, b'{"manifests": [{}]}'), Drop())
    },
}
"""What hangs on them shares a manifest with them."""
RECORDS: Final[Mapping[str, Break]] = {
    "a managed image that dangles": named("managed-image-lost", dangling),
    "a managed image without a name": named("managed-image-", config({})),
    "a managed image that has no repository": named("managed-image-x", config({})),
    "a managed image that can have no repository": named("managed-image-a..b", config({})),
    "a managed image in capitals": named("managed-image-X", config({})),
    "a client's record that dangles": named("client-id-me-1", dangling),
    "a client's record without a time": named("client-id-me", config({})),
    "a mark of no stage that dangles": named(f"{STAGE_TAG}-rejected", dangling),
    "a record of no commit": named("image-metadata-by-commit-app-zzz", config({})),
    "a record of an image that nobody knows": named(f"image-metadata-by-commit-nobody-{'a' * 40}", config({})),
}
"""In the stages storage. What is only named so hangs on nothing."""
SPOILED: Final[Mapping[str, Break]] = {
    "an index whose child is answered by 500": index_of(b'{"x": 1}', Answer(500)),
    "an index whose child is answered by 403": index_of(b'{"x": 2}', Answer(403)),
}
"""Any manifest of the repository may be behind it."""
EVERY: Final[Mapping[str, Break]] = {**KNOWN, **MALFORMED, **LOST, **RELATED, **RECORDS, **SPOILED}
