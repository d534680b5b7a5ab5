"""One field of a configuration that makes no sense spoils itself, and no other."""

import json

import pytest

from holystone.engine.model.image_config import ImageConfig, parse_config
from holystone.engine.model.manifests import Malformed
from holystone.engine.model.references import Digest

ID, PARENT = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
LABELS = {"werf": "shop", "empty": None}
MADE = 1_500_000_000


def parsed(**fields: object) -> ImageConfig:
    inner: dict[str, object] = {"Labels": LABELS, "Image": PARENT}
    document: dict[str, object] = {"created": "2017-07-14T02:40:00Z", "config": inner}
    for name, value in fields.items():
        (document if name in ("created", "config") else inner)[name] = value
    return parse_config(ID, json.dumps(document).encode())


def test_all_is_well() -> None:
    config = parse_config(ID, json.dumps({"created": "2017-07-14T02:40:00Z", "config": {"Labels": LABELS}}).encode())
    assert (config.created, config.labels, config.odd) == (MADE, {"werf": "shop", "empty": ""}, "")


@pytest.mark.parametrize("created", ["yesterday", 5, [], {}, True, "9999-99-99T00:00:00Z", "1500000000"])
def test_the_creation_time(created: object) -> None:
    config = parsed(created=created)
    assert (config.created, config.parent, config.labels["werf"]) == (0, PARENT, "shop")
    assert "creation time" in config.odd


@pytest.mark.parametrize("parent", ["ubuntu", "ubuntu:20.04", "sha256:short", 5, [PARENT], {"id": PARENT}, True])
def test_the_parent(parent: object) -> None:
    config = parsed(Image=parent)
    assert (config.created, config.parent, config.labels["werf"]) == (MADE, None, "shop")
    assert "parent is no image id" in config.odd


@pytest.mark.parametrize("labels", [["werf=shop"], "werf=shop", 5, True])
def test_the_labels(labels: object) -> None:
    config = parsed(Labels=labels)
    assert (config.created, config.parent, config.labels) == (MADE, PARENT, {})
    assert "labels" in config.odd


@pytest.mark.parametrize("value", [5, [], {}, True, 1.5])
def test_one_of_the_labels(value: object) -> None:
    config = parsed(Labels={**LABELS, "x": value})
    assert config.labels == {"werf": "shop", "empty": ""}
    assert "label" in config.odd


@pytest.mark.parametrize("inner", [["x"], "x", 5, True])
def test_all_of_it(inner: object) -> None:
    config = parsed(config=inner)
    assert (config.created, config.parent, config.labels) == (MADE, None, {})
    assert config.odd


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"5", b'"x"', b'{"created": "20', b"\xff", b"[" * 9000], ids=repr
)
def test_what_is_no_configuration(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_config(ID, body)
