"""The one door to standard output and standard error.

What is printed is made of lines, each of them ours. What strangers put into one (a label, a branch, a pod's name, a
registry's or git's words) begins no other line, steers no terminal, is no command to the agent that reads the log, and
holds no secret of the run. Nobody else prints: a test looks for it.

What standard output does not take is an error, since it is what was asked for. What standard error does not take ends
nothing: errors are told there.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TextIO

from holystone.adapters.credentials.redaction import redacted
from holystone.engine.errors import HolystoneError

_COMMAND: Final = re.compile(r"##(?=[A-Za-z]*\[)")
"""`##[…]` (GitHub, actions/runner: Runner.Common/ActionCommand.cs), `##vso[…]` (Azure Pipelines,
azure-pipelines-agent: Command.cs) and `##teamcity[…]` count wherever in a line they stand."""
_COLONS: Final = re.compile(r"^(\s*):(?=:)")
"""`::name::` counts at the beginning of a line, after blanks too (GitHub, the same file). GitLab's `section_start`
needs a carriage return and an escape character."""
_ODD: Final = re.compile(r"[^\x20-\x7e]")
_AT_ONCE: Final = 1 << 16
"""Characters that are escaped, encoded and written together: each may take a hundred times its size meanwhile."""


class Unwritten(HolystoneError):
    """Standard output is full, or nobody reads it any more."""

    def __init__(self, fault: OSError | ValueError) -> None:
        self._why = getattr(fault, "strerror", None) or str(fault)
        super().__init__(f"Standard output cannot be written: {self._why}.")

    def after(self, done: str, what_to_do: str = "") -> HolystoneError:
        """The same error where the report of something done could not be written. `done`: what has happened all the
        same."""
        return HolystoneError(f"{done}, but standard output cannot be written: {self._why}.", what_to_do=what_to_do)


def report(*lines: str) -> None:
    """Prints to standard output. Raises Unwritten."""
    report_lines(lines)


def report_lines(lines: Iterable[str]) -> None:
    """Prints lines to standard output that are made while they are written: some at a time."""
    for some in _some_at_once(lines):
        _print(_shown(some) + "\n")


def document(parts: Iterable[str | bytes]) -> None:
    """JSON on one line, to standard output: of `parts`, each `bytes` is a whole JSON value, and each `str` our own.
    What a terminal or an agent would obey is escaped as JSON can. Raises Unwritten."""
    for some in _some_at_once(each if isinstance(each, str) else _redacted_json(each.decode()) for each in parts):
        for part in _parts("".join(some)):
            _print(_harmless_json(part, sys.stdout))
    _print("\n")


def _harmless_json(text: str, stream: TextIO | None) -> str:
    encodes_all = _encoding(stream).lower().startswith("utf")

    def escaped(odd: re.Match[str]) -> str:
        return odd[0] if odd[0].isprintable() and encodes_all else json.dumps(odd[0])[1:-1]

    return _ODD.sub(escaped, text).replace("##", r"#\u0023")


def _some_at_once(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in parts, at least one of them, were it of nothing."""
    some: list[str] = []
    size = 0
    for text in texts:
        if size > _AT_ONCE:
            yield some
            some, size = [], 0
        some.append(text)
        size += len(text)
    yield some


def _redacted_json(text: str) -> str:
    """Looked for where the texts are as people read them, too: the letter of an escape before a short secret (`\\n`)
    would make it a part of a word."""
    if redacted(text) == text and ("\\" not in text or redacted(said := "\n".join(_texts(json.loads(text)))) == said):
        return text
    return json.dumps(_without_secrets(json.loads(text)), ensure_ascii=False, separators=(",", ":"))


def tell(*lines: str) -> None:
    """Prints to standard error."""
    _tell(_shown(lines) + "\n")


def tell_rendered(line: str) -> None:
    """A log line of which every part is `visible`, with colours of our own."""
    _tell(redacted(line) + "\n")


def tell_object(content: Mapping[str, Any]) -> None:
    """Prints a JSON object to standard error, on one line, made of what JSON has. Texts are what they were once it is
    read, but for what is no Unicode, which is shown as an escape."""
    said = "\n".join(_texts(content))
    shown = content if redacted(said) == said else _without_secrets(content)
    try:
        line = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        line = json.dumps(_unicode(shown), ensure_ascii=False, separators=(",", ":")).encode()
    _tell(_harmless_json(line.decode(), sys.stderr) + "\n")


def prompt(*lines: str) -> None:
    """Prints to standard error; the cursor stays behind the last line."""
    _tell(_shown(lines))


def can_ask() -> bool:
    """Whether there is a person at the other end."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def has_colors() -> bool:
    """Standard error, and whoever started us wants them (no-color.org)."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def marked(text: str) -> tuple[str, ...]:
    """What others said, or several causes, as lines that nobody takes for ours."""
    return tuple(f"| {line}" for line in text.splitlines() if line.strip())


def visible(line: str) -> str:
    """The line with an escape for all that would not be seen or would be obeyed."""
    if not line.isprintable():
        line = "".join(map(_escaped, _parts(line)))
    return _COMMAND.sub(r"#\\x23", _COLONS.sub(r"\1\\x3a", line))


def _shown(lines: Iterable[str]) -> str:
    return redacted("\n".join(map(visible, lines)))


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _parts(text: str) -> Iterator[str]:
    """The parts of a text that can be escaped one by one: what begins a command stays together."""
    start = 0
    while start < len(text):
        end = start + _AT_ONCE
        while text[end - 1 : end + 1] == "##":
            end += 1
        yield text[start:end]
        start = end


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return redacted(value)
        case dict():
            return {redacted(key): _without_secrets(each) for key, each in value.items()}
        case list():
            return [_without_secrets(each) for each in value]
        case _:
            return value


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, each in value.items():
                yield key
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
        case _:
            pass


def _unicode(value: Any) -> Any:
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict():
            return {_unicode(key): _unicode(each) for key, each in value.items()}
        case list():
            return [_unicode(each) for each in value]
        case _:
            return value


def _encoding(stream: TextIO | None) -> str:
    return (stream and stream.encoding) or "utf-8"


def _print(text: str) -> None:
    try:
        _write(sys.stdout, text)
    except (OSError, ValueError) as fault:
        raise Unwritten(fault) from fault


def _tell(text: str) -> None:
    with suppress(OSError, ValueError):
        _write(sys.stderr, text)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed before we began, and nobody has held it open
        return
    encoding = _encoding(stream)
    try:
        for part in _parts(text):
            stream.write(part.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError:
        _give_up(stream)
        raise


def _give_up(stream: TextIO) -> None:
    """What its buffer still holds would be tried again, and fail again, when the program ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
