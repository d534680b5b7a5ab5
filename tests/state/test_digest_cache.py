"""What is remembered by digest: across runs, only if it is what the digest says, and never at a run's cost."""

import datetime as dt
import errno
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite import digest_cache
from holystone.adapters.state.sqlite.digest_cache import FORGET_AFTER_DAYS, LARGEST_BLOB, SqliteDigestCache
from holystone.engine.model.manifests import DOCKER_CONFIG, OCI_INDEX
from holystone.engine.model.references import Digest
from tests.support import images

CONFIG = images.config("one")
MANIFEST = images.image(CONFIG)
CONFIG_DIGEST = Digest.of(CONFIG)


async def test_without_a_file_it_lasts_for_one_run() -> None:
    with SqliteDigestCache(None) as cache:
        await cache.learn_manifests([MANIFEST])
        assert await cache.manifest(MANIFEST.digest) == MANIFEST
    with SqliteDigestCache(None) as cache:
        assert await cache.manifest(MANIFEST.digest) is None


async def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "known.db"
    file.write_bytes(b"this is not a database" * 100)
    with SqliteDigestCache(file) as cache:
        assert await cache.manifest(MANIFEST.digest) is None
        await cache.learn_manifests([MANIFEST])
    with SqliteDigestCache(file) as cache:
        assert await cache.manifest(MANIFEST.digest) == MANIFEST


async def test_a_place_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with SqliteDigestCache(tmp_path / "file" / "known.db") as cache:
        await cache.learn_manifests([MANIFEST])
        assert await cache.manifest(MANIFEST.digest) == MANIFEST


async def test_a_damaged_file_that_cannot_be_removed_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a cache that a CI hands out for reading only."""
    file = tmp_path / "known.db"
    file.write_bytes(b"x" * 5_000)

    def refuse(_: Path, *, missing_ok: bool) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    with SqliteDigestCache(file) as cache:
        await cache.learn_manifests([MANIFEST])
        assert await cache.manifest(MANIFEST.digest) == MANIFEST


async def test_what_nobody_asks_for_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "known.db"
    start = dt.date(2026, 1, 1)
    other = Digest(Digest.of(b"other"))
    with SqliteDigestCache(file, today=lambda: start) as cache:
        await cache.learn_blob(CONFIG_DIGEST, CONFIG)
        await cache.learn_blob(other, b"other")
    with SqliteDigestCache(file, today=lambda: start + dt.timedelta(FORGET_AFTER_DAYS)) as cache:
        assert await cache.blob(CONFIG_DIGEST) == CONFIG
    with SqliteDigestCache(file, today=lambda: start + dt.timedelta(FORGET_AFTER_DAYS + 1)):
        pass
    with SqliteDigestCache(file, today=lambda: start + dt.timedelta(FORGET_AFTER_DAYS + 1)) as cache:
        assert await cache.blob(CONFIG_DIGEST) == CONFIG
        assert await cache.blob(other) is None


ODD_ROWS: dict[str, dict[str, object]] = {
    "body of text": {"body": CONFIG.decode()},
    "body of a number": {"body": 7},
    "media type of a number": {"media_type": 7.5},
    "media type of bytes": {"media_type": b"\xff"},
    "digest of bytes": {"digest": b"sha256:"},
    "day of a number": {"used_on": 1e99},
}


@pytest.mark.parametrize("odd", sorted(ODD_ROWS))
@pytest.mark.parametrize("digest", [MANIFEST.digest, CONFIG_DIGEST], ids=["manifest", "blob"])
async def test_a_row_of_another_kind_is_not_there(tmp_path: Path, odd: str, digest: Digest) -> None:
    file = tmp_path / "known.db"
    with SqliteDigestCache(file) as cache:
        await cache.learn_manifests([MANIFEST])
        await cache.learn_blob(CONFIG_DIGEST, CONFIG)
    _change(file, digest, **ODD_ROWS[odd])
    with SqliteDigestCache(file) as cache:
        for found in (await cache.manifest(MANIFEST.digest), await cache.blob(CONFIG_DIGEST)):
            assert found in (None, MANIFEST, CONFIG)
        await cache.learn_manifests([MANIFEST])
        assert await cache.manifest(MANIFEST.digest) == MANIFEST


@pytest.mark.parametrize("said", [OCI_INDEX, "text/html", DOCKER_CONFIG])
async def test_what_a_manifest_is_the_bytes_say_and_not_the_row(tmp_path: Path, said: str) -> None:
    file = tmp_path / "known.db"
    with SqliteDigestCache(file) as cache:
        await cache.learn_manifests([MANIFEST])
    _change(file, MANIFEST.digest, media_type=said)
    with SqliteDigestCache(file) as cache:
        assert await cache.manifest(MANIFEST.digest) == MANIFEST


async def test_a_file_with_other_columns_is_used_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "known.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE known (digest TEXT, line TEXT)")
    database.close()
    with SqliteDigestCache(file) as cache:
        await cache.learn_manifests([MANIFEST])
        assert await cache.manifest(MANIFEST.digest) == MANIFEST


async def test_what_was_asked_for_longest_ago_makes_room(tmp_path: Path) -> None:
    file, largest, day = tmp_path / "known.db", 1 << 20, dt.date(2026, 1, 1)
    bodies = [b"%03d" % number + bytes(100_000) for number in range(30)]
    for number, body in enumerate(bodies):
        today = day + dt.timedelta(number)
        with SqliteDigestCache(file, lambda today=today: today, largest_file=largest) as cache:  # type: ignore[misc]
            await cache.learn_blob(Digest.of(body), body)
            await cache.blob(Digest.of(bodies[0]))
        assert file.stat().st_size < largest * 1.3
    with SqliteDigestCache(file, largest_file=largest) as cache:
        known = [number for number, body in enumerate(bodies) if await cache.blob(Digest.of(body))]
    assert known[0] == 0, "asked for each day"
    assert known[1:] == list(range(known[1], 30))
    assert 5 <= len(known) <= 10


async def test_what_was_asked_for_does_not_wait_for_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All digests of a registry took 200 bytes each until then."""
    monkeypatch.setattr(digest_cache, "_USED_EVERY", 2)
    file, day = tmp_path / "known.db", dt.date(2026, 1, 1)
    digests = [Digest.of(body) for body in (b"a", b"b", b"c")]
    with SqliteDigestCache(file, lambda: day) as cache:
        for body in (b"a", b"b", b"c"):
            await cache.learn_blob(Digest.of(body), body)
    with SqliteDigestCache(file, lambda: day + dt.timedelta(1)) as cache:
        for digest in digests:
            assert await cache.blob(digest)
        with closing(sqlite3.connect(file)) as database:
            noted = database.execute("SELECT count(*) FROM known WHERE used_on = '2026-01-02'").fetchone()
    assert noted == (2,)


@pytest.mark.parametrize("length", [1_200, 5_000])
async def test_not_all_has_to_make_room(tmp_path: Path, length: int) -> None:
    """Of what is longer than a quarter of a page each takes pages of its own."""
    file, largest = tmp_path / "known.db", 8 << 20
    bodies = [f"{number:0{length}}".encode() for number in range(3_000)]
    with SqliteDigestCache(file, largest_file=largest) as cache:
        for body in bodies:
            await cache.learn_blob(Digest.of(body), body)
    assert file.stat().st_size < largest * 1.3
    with closing(sqlite3.connect(file)) as database:
        pages, free = (
            int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count")
        )
    assert free < pages / 2


async def test_a_large_configuration_is_not_worth_remembering(tmp_path: Path) -> None:
    file, body = tmp_path / "known.db", b" " * (LARGEST_BLOB + 1)
    with SqliteDigestCache(file) as cache:
        await cache.learn_blob(Digest.of(body), body)
        assert await cache.blob(Digest.of(body)) is None


_LEARNS_MUCH = """
import asyncio
import sys
from pathlib import Path
from holystone.engine.model.references import Digest
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.model.manifests import RawManifest

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) >> 10

async def main():
    with SqliteDigestCache(Path(sys.argv[1]) if sys.argv[1:] else None) as cache:
        before = peak()
        bodies = (b'{"manifests":[],"n":%d}' % number + b" " * (4 << 20) for number in range(60))
        digests = []
        for body in bodies:
            digests.append(Digest.of(body))
            await cache.learn_manifests([RawManifest(digests[-1], "", body)])
        async for raw in cache.manifests([*digests]):
            digests.remove(raw.digest)
        assert not digests
        print(peak() - before)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the process is asked for its peak by /proc")
@pytest.mark.parametrize("named", [True, False], ids=["file", "no file"])
def test_what_is_known_is_not_all_in_memory(tmp_path: Path, named: bool) -> None:
    """240 MiB of manifests, as large as registries take them."""
    arguments = [str(tmp_path / "known.db")] if named else []
    ended = subprocess.run([sys.executable, "-c", _LEARNS_MUCH, *arguments], capture_output=True, check=True, text=True)
    assert int(ended.stdout) < 140


def _change(file: Path, at: Digest, /, **values: object) -> None:
    with sqlite3.connect(file) as database:
        for column, value in values.items():
            changed = database.execute(f"UPDATE known SET {column} = ? WHERE digest = ?", (value, str(at)))
            assert changed.rowcount == 1
    database.close()
