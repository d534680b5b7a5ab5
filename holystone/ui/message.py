"""What a person has to know, on standard error: `holystone: …`, then what was not deleted and what to do, indented.
Whatever else there is to a message (several causes, what git said) is marked, so that nobody can add an advice.

As JSON lines each is an object of its kind: `said`, `note`, `progress`, `question`, `error` or `log`.
"""

from collections.abc import Iterable

from holystone.engine.errors import HolystoneError
from holystone.ui import json_lines, output
from holystone.ui.json_lines import Level


def say(text: str) -> None:
    _tell(text, "said")


def note(text: str, level: Level = "info") -> None:
    _tell(text, "note", level)


def tell_progress(text: str) -> None:
    _tell(text, "progress")


def tell_plainly(text: str) -> None:
    """Lines that are for nobody but who reads them, e.g. the help."""
    if json_lines.are_used():
        json_lines.tell_line("said", "info", text=text)
    else:
        output.tell(*text.splitlines())


def put_question(lines: Iterable[str]) -> None:
    """The cursor stays behind the last line, but for programs."""
    if json_lines.are_used():
        json_lines.tell_line("question", "warning", text="\n".join(lines).removeprefix("holystone: "))
    else:
        output.prompt(*lines)


def end_question() -> None:
    """Where the answer left the cursor behind the question."""
    if not json_lines.are_used():
        output.tell("")


def print_error(error: HolystoneError) -> None:
    message = error.message.strip()
    if json_lines.are_used():
        said = {"message": message, "not_deleted": error.not_deleted, "what_to_do": error.what_to_do}
        json_lines.tell_line("error", "error", **said)
        return
    first, _, more = message.partition("\n")
    rest = (*output.marked(more), error.not_deleted, error.what_to_do)
    output.tell(f"holystone: {first}", *(f"  {line}" for line in rest if line))


def tell_logged(text: str, level: Level, logger: str) -> None:
    """What a library has logged. What it quotes over several lines is marked."""
    if json_lines.are_used():
        json_lines.tell_line("log", level, logger=logger, text=text, fields={})
        return
    first, *more = text.splitlines() or [""]
    output.tell(f"holystone: {first}", *(f"  {line}" for line in output.marked("\n".join(more))))


def _tell(text: str, kind: str, level: Level = "info") -> None:
    if json_lines.are_used():
        json_lines.tell_line(kind, level, text=text)
    else:
        output.tell(f"holystone: {'note: ' if kind == 'note' else ''}{text}")
