"""Records to rows and back. Everything here runs in the writer's thread."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from holystone.adapters.state.sqlite import checked
from holystone.adapters.state.sqlite.schema import VERSION
from holystone.engine.model.codec import to_json
from holystone.engine.model.manifests import Manifest, RawManifest, understood
from holystone.engine.model.outcomes import Loss, Outcome
from holystone.engine.model.plan import RepositoryPlan, StepId
from holystone.engine.model.records import Journaled, RepositoryRecord, RunRecord, RunState, Tombstone
from holystone.engine.model.references import Digest, Repository

_RUN_COLUMNS: Final = ", ".join(checked.RUN_COLUMNS)
_OF_STEPS: Final = ("tombstoned", "outcomes", "tombstoned_by_position", "outcomes_by_position")
"""The last two are of runs that were begun before steps had ids, and nobody reads them."""
_STORED: Final = (
    "SELECT digest, media_type, body FROM manifests JOIN slices ON slice = id WHERE run = ? AND repository = ?"
)


def insert_run(database: sqlite3.Connection, record: RunRecord, head: bytes) -> bool:
    """Begins a row for a run; False if the id is taken."""
    cursor = database.execute(
        "INSERT OR IGNORE INTO runs (id, started, command, state, plan, format) VALUES (?, ?, ?, ?, ?, ?)",
        (record.id, record.started, record.command, record.state, head, VERSION),
    )
    return cursor.rowcount == 1


def insert_plans(run_id: str, plans: Sequence[tuple[Repository, bytes]]) -> Callable[[sqlite3.Connection], None]:
    rows = [(run_id, str(repository), plan) for repository, plan in plans]

    def insert(database: sqlite3.Connection) -> None:
        database.executemany("INSERT INTO plans VALUES (?, ?, ?)", rows)

    return insert


def read_plans(database: sqlite3.Connection, run_id: str, after: str, most: int) -> list[tuple[str, RepositoryPlan]]:
    """The next few, by the names in the table: of `most` bytes, or one more of any size."""
    rows = database.execute(
        "SELECT repository, plan FROM plans WHERE run = ? AND repository > ? ORDER BY repository",
        (run_id, after),
    )
    some: list[tuple[str, RepositoryPlan]] = []
    size = 0
    for name, plan in rows:
        some.append((str(name), checked.repository_plan(run_id, name, plan)))
        size += len(plan)
        if size > most:
            break
    return some


def half_written(database: sqlite3.Connection) -> list[str]:
    """Runs whose plan is being written, or never will be. One whose name is none nobody began."""
    found = database.execute("SELECT id FROM runs WHERE state = 'beginning'")
    return [run for (run,) in found if checked.is_run_id(run)]


def forget_half_written(database: sqlite3.Connection, run_id: str) -> None:
    """Unless it has begun, and perhaps ended, since it was looked for."""
    if run_id in half_written(database):
        forget(database, run_id)


def forget(database: sqlite3.Connection, run_id: str) -> None:
    for table in ("losses", *_OF_STEPS, "manifests"):
        database.execute(
            f"DELETE FROM {table} WHERE slice IN (SELECT id FROM slices WHERE run = ?)",  # noqa: S608
            (run_id,),
        )
    for table in ("slices", "plans"):
        database.execute(f"DELETE FROM {table} WHERE run = ?", (run_id,))  # noqa: S608
    database.execute("DELETE FROM runs WHERE id = ?", (run_id,))


def set_state(database: sqlite3.Connection, run_id: str, state: RunState, ended: int | None) -> None:
    database.execute("UPDATE runs SET state = ?, ended = ? WHERE id = ?", (state, ended, run_id))


def set_locks(database: sqlite3.Connection, run_id: str) -> None:
    database.execute("UPDATE runs SET locks = 1 WHERE id = ?", (run_id,))


def all_runs(database: sqlite3.Connection) -> tuple[RunRecord, ...]:
    rows = database.execute(
        f"SELECT {_RUN_COLUMNS} FROM runs WHERE state != 'beginning' ORDER BY started DESC, id DESC"  # noqa: S608
    )
    return tuple(checked.run_record(row) for row in rows)


def one_run(database: sqlite3.Connection, run_id: str | None) -> tuple[RunRecord, Sequence[object]] | None:
    """A run, with its format and the head of its plan, not looked at yet. The latest open run if `run_id` is None."""
    where = "state = 'open' AND ? IS NULL" if run_id is None else "id = ? AND state != 'beginning'"
    row = database.execute(
        f"SELECT {_RUN_COLUMNS}, format, plan FROM runs WHERE {where} ORDER BY started DESC, id DESC LIMIT 1",  # noqa: S608
        (run_id,),
    ).fetchone()
    return (checked.run_record(row[:-2]), row[-2:]) if row else None


def open_slice(database: sqlite3.Connection, run_id: str, repository: Repository) -> int:
    """The number of a slice that is not sealed yet; a half-written one of an earlier attempt is taken up."""
    database.execute(
        "INSERT OR IGNORE INTO slices (run, repository, sealed) VALUES (?, ?, 0)", (run_id, str(repository))
    )
    row = database.execute(
        "SELECT id FROM slices WHERE run = ? AND repository = ?", (run_id, str(repository))
    ).fetchone()
    return int(row[0])


def seal_slice(database: sqlite3.Connection, number: int, tombstone: Tombstone | None) -> None:
    columns: tuple[str | bytes | None, ...] = (None, None, None, None)
    if tombstone:
        raw = tombstone.manifest
        columns = (raw.digest, raw.media_type, raw.body, tombstone.config)
    database.execute(
        "UPDATE slices SET sealed = 1, tombstone_digest = ?, tombstone_type = ?, tombstone_body = ?, "
        "tombstone_config = ? WHERE id = ?",
        (*columns, number),
    )


def read_slice(database: sqlite3.Connection, run_id: str, plan: RepositoryPlan) -> tuple[int, RepositoryRecord] | None:
    """What is recorded of a repository, by the run's plan of it; None if it is not sealed. Raises Damaged, like all
    that reads."""
    repository = plan.repository
    row = database.execute(
        "SELECT id, tombstone_digest, tombstone_type, tombstone_body, tombstone_config, checked "
        "FROM slices WHERE run = ? AND repository = ? AND sealed",
        (run_id, str(repository)),
    ).fetchone()
    if row is None:
        return None
    number, *tombstone, looked = row
    planned: dict[str, StepId] = {step.id: step.id for step in plan.steps}
    with checked.reading(run_id, f"{repository}"):
        outcomes = {
            checked.step_id(step, planned): checked.outcome(data)
            for step, data in database.execute("SELECT step, outcome FROM outcomes WHERE slice = ?", (number,))
        }
        marks = frozenset(
            checked.step_id(step, planned)
            for (step,) in database.execute("SELECT step FROM tombstoned WHERE slice = ?", (number,))
        )
        losses = tuple(
            checked.loss(tag, lost)
            for tag, lost in database.execute(
                "SELECT tag, digest FROM losses WHERE slice = ? ORDER BY tag, digest", (number,)
            )
        )
        mark = checked.tombstone(*tombstone)
        return number, RepositoryRecord(repository, mark, outcomes, marks, losses, bool(looked))


def insert_manifests(number: int, manifests: Sequence[RawManifest]) -> Callable[[sqlite3.Connection], None]:
    rows = [(number, raw.digest, raw.media_type, raw.body) for raw in manifests]

    def insert(database: sqlite3.Connection) -> None:
        database.executemany("INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?)", rows)

    return insert


def stored_manifests(
    database: sqlite3.Connection, run_id: str, repository: Repository, only: Digest | None = None
) -> Iterator[tuple[Digest, RawManifest | None]]:
    """One after the other; None for bytes that are not their digest's."""
    if only is None:
        rows = database.execute(f"{_STORED} ORDER BY digest", (run_id, str(repository)))
    else:
        rows = database.execute(f"{_STORED} AND digest = ?", (run_id, str(repository), only))
    with checked.reading(run_id, f"manifests of {repository}"):
        for text, media_type, body in rows:
            digest = checked.digest(text)
            yield digest, checked.manifest(digest, media_type, body)


def read_manifests(database: sqlite3.Connection, run_id: str, repository: Repository) -> Journaled:
    whole: dict[Digest, Manifest | None] = {}
    damaged: set[Digest] = set()
    for digest, raw in stored_manifests(database, run_id, repository):
        if raw:
            whole[digest] = understood(raw)
        else:
            damaged.add(digest)
    return Journaled(whole, frozenset(damaged))


def read_manifest(
    database: sqlite3.Connection, run_id: str, repository: Repository, digest: Digest
) -> RawManifest | None:
    return next((raw for _, raw in stored_manifests(database, run_id, repository, digest)), None)


def insert_outcomes(number: int, outcomes: Mapping[StepId, Outcome]) -> Callable[[sqlite3.Connection], None]:
    rows = [(number, step, to_json(checked.Recorded(outcome))) for step, outcome in outcomes.items()]

    def insert(database: sqlite3.Connection) -> None:
        database.executemany("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?)", rows)
        database.execute("UPDATE slices SET checked = 0 WHERE id = ?", (number,))

    return insert


def insert_tombstoned(number: int, steps: Sequence[StepId]) -> Callable[[sqlite3.Connection], None]:
    rows = [(number, step) for step in steps]

    def insert(database: sqlite3.Connection) -> None:
        database.executemany("INSERT OR IGNORE INTO tombstoned VALUES (?, ?)", rows)

    return insert


def insert_check(number: int, losses: Sequence[Loss]) -> Callable[[sqlite3.Connection], None]:
    rows = [(number, loss.tag or "", loss.digest) for loss in losses]

    def insert(database: sqlite3.Connection) -> None:
        database.executemany("INSERT OR IGNORE INTO losses VALUES (?, ?, ?)", rows)
        database.execute("UPDATE slices SET checked = 1 WHERE id = ?", (number,))

    return insert
