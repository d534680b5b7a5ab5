"""The runs of the journal, as a list. Loads nothing that deletes: people wait for it."""

import time
from pathlib import Path
from typing import Final, Literal

from holystone.engine.model.records import RunRecord
from holystone.ui import output
from holystone.ui.message import say

_HEAD: Final = ("RUN", "STATE", "ENDED (UTC)", "COMMAND")


def print_runs(records: tuple[RunRecord, ...], state_dir: Path, form: Literal["text", "json"]) -> None:
    """Raises HolystoneError if they cannot be told."""
    if form == "json":
        _print_document(records)
    elif records:
        output.report(*_lines(records))
    else:
        say(f"the journal in {state_dir} has no run.")


def _lines(records: tuple[RunRecord, ...]) -> list[str]:
    rows = [_HEAD, *((each.id, each.state, _moment(each.ended), each.command) for each in records)]
    *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    padded = ([f"{cell:<{width}}" for cell, width in zip(row[:-1], widths, strict=True)] for row in rows)
    return ["  ".join([*cells, row[-1]]) for cells, row in zip(padded, rows, strict=True)]


def _moment(seconds: int | None) -> str:
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def _print_document(records: tuple[RunRecord, ...]) -> None:
    from holystone.engine.report.document import Document, RunSummary, in_parts

    runs = tuple(RunSummary(each.id, each.state, each.command, each.started, each.ended) for each in records)
    output.document(in_parts(Document("runs", "done", 0, runs=runs)))
