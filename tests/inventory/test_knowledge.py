"""What is remembered by digest: across runs, only if it is what the digest says, and never at a run's cost."""

import datetime as dt
import sqlite3
from pathlib import Path

from holystone.engine.inventory.knowledge import FORGET_AFTER_DAYS, DigestKnowledge
from holystone.engine.model.references import Digest
from tests.support import images

CONFIG = images.config("one")
MANIFEST = images.image(CONFIG)
CONFIG_DIGEST = images.digest_of(CONFIG)


def test_what_one_run_learned_the_next_one_knows(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "known.db"
    with DigestKnowledge(file) as first:
        first.learn_manifest(MANIFEST)
        first.learn_blob(CONFIG_DIGEST, CONFIG)
        assert first.manifest(MANIFEST.digest) == MANIFEST
    with DigestKnowledge(file) as second:
        assert second.manifest(MANIFEST.digest) == MANIFEST
        assert second.blob(CONFIG_DIGEST) == CONFIG
        assert second.blob(MANIFEST.digest) is None
        assert second.manifest(CONFIG_DIGEST) is None


def test_without_a_file_it_lasts_for_one_run() -> None:
    with DigestKnowledge(None) as knowledge:
        knowledge.learn_manifest(MANIFEST)
        assert knowledge.manifest(MANIFEST.digest) == MANIFEST
    with DigestKnowledge(None) as knowledge:
        assert knowledge.manifest(MANIFEST.digest) is None


def test_a_changed_entry_is_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "known.db"
    with DigestKnowledge(file) as knowledge:
        knowledge.learn_blob(CONFIG_DIGEST, CONFIG)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE known SET body = ?", (images.config("planted"),))
    database.close()
    with DigestKnowledge(file) as knowledge:
        assert knowledge.blob(CONFIG_DIGEST) is None


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "known.db"
    file.write_bytes(b"this is not a database" * 100)
    with DigestKnowledge(file) as knowledge:
        assert knowledge.manifest(MANIFEST.digest) is None
        knowledge.learn_manifest(MANIFEST)
    with DigestKnowledge(file) as knowledge:
        assert knowledge.manifest(MANIFEST.digest) == MANIFEST


def test_a_place_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with DigestKnowledge(tmp_path / "file" / "known.db") as knowledge:
        knowledge.learn_manifest(MANIFEST)
        assert knowledge.manifest(MANIFEST.digest) == MANIFEST


def test_what_nobody_asks_for_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "known.db"
    start = dt.date(2026, 1, 1)
    other = Digest(images.digest_of(b"other"))
    with DigestKnowledge(file, today=lambda: start) as knowledge:
        knowledge.learn_blob(CONFIG_DIGEST, CONFIG)
        knowledge.learn_blob(other, b"other")
    with DigestKnowledge(file, today=lambda: start + dt.timedelta(FORGET_AFTER_DAYS)) as knowledge:
        assert knowledge.blob(CONFIG_DIGEST) == CONFIG
    with DigestKnowledge(file, today=lambda: start + dt.timedelta(FORGET_AFTER_DAYS + 1)):
        pass
    with DigestKnowledge(file, today=lambda: start + dt.timedelta(FORGET_AFTER_DAYS + 1)) as knowledge:
        assert knowledge.blob(CONFIG_DIGEST) == CONFIG
        assert knowledge.blob(other) is None
