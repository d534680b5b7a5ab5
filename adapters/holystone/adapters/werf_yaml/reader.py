"""Finds werf.yaml, has it rendered if it is a template, and reads it.

werf renders the whole file as a Go template before it is YAML, comments included: an action in a comment can write
further lines and so add a section. Therefore `{{` anywhere makes a file a template, whatever stands around it.
"""

import os
from pathlib import Path
from typing import Final

import anyio.to_thread

from holystone.adapters.files import read_file
from holystone.adapters.programs import find_program
from holystone.adapters.werf_yaml.render import render
from holystone.adapters.werf_yaml.sections import LocatedPolicies, WerfConfig, policies_file, werf_config
from holystone.adapters.werf_yaml.separators import check_separators
from holystone.adapters.yaml.documents import MAX_BYTES, decode, parse_documents
from holystone.adapters.yaml.nodes import Position, problem
from holystone.engine.errors import UsageError

_DEFAULT_NAMES: Final = ("werf.yml", "werf.yaml")
_RENDER_DEADLINE: Final = 60.0
_TEMPLATE: Final = "{{"


def find_werf_config(directory: Path) -> Path | None:
    """The project's werf.yml or, without one, werf.yaml. Raises UsageError for a folder that cannot be looked into."""
    try:
        return next((path for name in _DEFAULT_NAMES if (path := directory / name).is_file()), None)
    except OSError as error:
        raise UsageError(f"cannot look into {directory}: {error.strerror}") from error


async def read_werf_config(
    directory: Path,
    *,
    config: Path | None = None,
    templates_dir: Path | None = None,
    werf: str | None = None,
    deadline: float = _RENDER_DEADLINE,
) -> WerfConfig:
    """Reads a project's configuration: `config` (seen from the current directory, as werf does) or the file found in
    the project's `directory`.

    A plain file is read as it is; a template needs the program `werf`, by default the one on PATH, which gets
    `deadline` seconds. Raises UsageError, and IncompleteSource if werf does not end.
    """
    path = config
    if path is None:
        path = await anyio.to_thread.run_sync(_existing, directory)
    source = str(path)
    text = await anyio.to_thread.run_sync(_read, path, abandon_on_cancel=True)
    if _TEMPLATE in text:
        program = werf or find_program("werf", os.environ)
        if program is None:
            raise _needs_werf(source, text)
        body = await render(program, directory, config=config, templates_dir=templates_dir, deadline=deadline)
        source = f"{source} (rendered by werf)"
        text = decode(body, source)
    return await anyio.to_thread.run_sync(_parse, text, source)


async def read_keep_policies(path: Path) -> LocatedPolicies:
    """Policies from a file of their own, which is never rendered. Raises UsageError."""
    return await anyio.to_thread.run_sync(_policies, path, abandon_on_cancel=True)


def _existing(directory: Path) -> Path:
    found = find_werf_config(directory)
    if found is None:
        raise UsageError(
            f"there is no werf.yml or werf.yaml in {os.path.realpath(directory)}",
            what_to_do="Say where the project is (--dir) or its configuration (--config), or name the images "
            "(--image NAME, '~' for the nameless one) and the policies (--keep-policies FILE).",
        )
    return found


def _parse(text: str, source: str) -> WerfConfig:
    check_separators(text, source)
    return werf_config(parse_documents(text, source), source)


def _policies(path: Path) -> LocatedPolicies:
    text, source = _read(path), str(path)
    if _TEMPLATE in text:
        raise problem(source, _first_template(text), "{{: a file of keep policies is not rendered; write them out")
    return policies_file(parse_documents(text, source), source)


def _read(path: Path) -> str:
    try:
        return decode(read_file(path, MAX_BYTES + 1), str(path))  # maybe a pipe: --config <(werf config render)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _first_template(text: str) -> Position:
    before = text[: text.index(_TEMPLATE)]
    return Position(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _needs_werf(source: str, text: str) -> UsageError:
    at = _first_template(text)
    return UsageError(
        f"{source}:{at.line}:{at.column}: {{{{: this file is a Go template (comments count too), and only werf can "
        "render it, but there is no `werf` on PATH",
        what_to_do="Do one of these: install werf; or pass a file that `werf config render` wrote, by --config FILE; "
        "or use no werf.yaml at all: --image NAME (once for each image, '~' for the nameless one) and "
        "--keep-policies FILE.",
    )
