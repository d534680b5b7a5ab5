"""Lists of tags to try a policy on."""

from pathlib import Path

import pytest

from holystone.adapters.retention_file import tag_list as module
from holystone.adapters.retention_file.tag_list import ListedImage, read_tag_list, tag_list
from holystone.engine.errors import UsageError
from holystone.engine.model.references import Digest, Tag

DIGEST = Digest.of(b"x")
NOON = 1_769_860_800
"""31 January 2026, 12:00 UTC."""


def image(tag: str, pushed: int | None = None, digest: Digest | None = None) -> ListedImage:
    return ListedImage(Tag(tag), pushed, digest)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v1\nv2\n", [image("v1"), image("v2")]),
        ("\ufeff# all\n\n v1 \r\n1.10\nno\n", [image("v1"), image("1.10"), image("no")]),
        ("v1,2026-01-31T12:00:00Z\n", [image("v1", NOON)]),
        ("v1,2026-01-31T13:00:00+01:00\n", [image("v1", NOON)]),
        ("v1,2026-01-31T12:00:00.123456Z\n", [image("v1", NOON)]),
        ("v1, 2026-01-31 12:00\n", [image("v1", NOON)]),
        ("v1,2026-01-31\n", [image("v1", NOON - 43_200)]),
        (f"v1,{NOON}\n", [image("v1", NOON)]),
        (f"v1,,{DIGEST}\n", [image("v1", None, DIGEST)]),
        (f'"v1","{NOON}","{DIGEST}"\n', [image("v1", NOON, DIGEST)]),
        ('["v1", "no"]', [image("v1"), image("no")]),
        (
            f'[{{"tag": "v1", "time": {NOON}}}, {{"tag": "v2", "time": "2026-01-31", "digest": "{DIGEST}"}}]',
            [image("v1", NOON), image("v2", NOON - 43_200, DIGEST)],
        ),
        ('\n {"name": "shop/web", "tags": ["v1"]}', [image("v1")]),
        ('{"Repository": "r.example/web", "Tags": ["v1", "v2"]}', [image("v1"), image("v2")]),
    ],
)
def test_a_list(text: str, expected: list[ListedImage]) -> None:
    assert tag_list(text.encode(), "x") == tuple(expected)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "x lists no tag"),
        ("# v1\n", "x lists no tag"),
        ("[]", "x lists no tag"),
        ('{"name": "a", "tags": null}', "x lists no tag"),
        ('{"errors": []}', "x lists no tag"),
        ("v1\nv 2\n", "x:2: 'v 2' is not a valid tag"),
        ("v1\nr.example/a:v2\n", "x:2: 'r.example/a:v2' is not a valid tag"),
        ("v1\n,2026-01-31\n", "x:2: '' is not a valid tag"),
        ("v1\nv1\n", "x:2: v1 stands here twice"),
        ("v1,yesterday", "x:1: 'yesterday' is no time, such as 2026-01-31T12:00:00Z, 2026-01-31 or Unix seconds"),
        ("v1,30d", "x:1: '30d' is no time, such as 2026-01-31T12:00:00Z, 2026-01-31 or Unix seconds"),
        ("v1,2026-02-30", "x:1: '2026-02-30' is no time, such as 2026-01-31T12:00:00Z, 2026-01-31 or Unix seconds"),
        ("v1,,sha256:12", "x:1: 'sha256:12' is not a valid digest"),
        ("v1,,,", "x:1: more than a tag, a time and a digest"),
        ('v1\n"v2', "x:2: not CSV: unexpected end of data"),
        ('["v1", 2]', "x: Expected `str | object`, got `int` - at `$[1]`"),
        ('[{"tag": "v1", "tme": 1}]', "x: Object contains unknown field `tme` - at `$[0]`"),
        ('[{"tag": "v1", "time": 5}]', "x: tag 1: '5' is no time, such as 2026-01-31T12:00:00Z, 2026-01-31 or Unix"),
        ("[" * 5_000, "x: "),
        ("v1\n[", "x:2: '[' is not a valid tag"),
    ],
)
def test_what_is_no_list(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        tag_list(text.encode(), "x")
    assert caught.value.message.startswith(f"--tags: {why}")


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    assert len(tag_list(b"a\nb\n", "x")) == 2
    with pytest.raises(UsageError, match="lists more than 2 tags"):
        tag_list(b"a\nb\nc\n", "x")
    monkeypatch.setattr(module, "_LARGEST", 3)
    with pytest.raises(UsageError, match="is larger than"):
        tag_list(b"a\nb\n", "x")


def test_a_list_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--tags: .*none cannot be read: No such file or directory$"):
        read_tag_list(tmp_path / "none")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        tag_list(b"\xff", "x")
