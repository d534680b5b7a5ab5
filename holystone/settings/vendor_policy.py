"""The policy document of another tool → a file of policies."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from holystone.adapters.retention_file.reader import read_retention_file, retention_document
from holystone.adapters.yaml.documents import MAX_BYTES
from holystone.engine.errors import UsageError
from holystone.policies.retention.reach import reach
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention_data.converted import ConvertedFile
from holystone.policies.retention_data.from_ecr import from_ecr
from holystone.policies.retention_data.from_gitlab import from_gitlab
from holystone.policies.retention_data.from_harbor import from_harbor
from holystone.policies.retention_data.parts import Part
from holystone.settings import options as o
from holystone.settings.retention_file import WrittenDocument


class _Converter(Protocol):
    def __call__(self, part: Part, repository: str | None) -> ConvertedFile: ...


_CONVERTERS: Final[Mapping[str, _Converter]] = {"ecr": from_ecr, "harbor": from_harbor, "gitlab": from_gitlab}
_STANDARD_INPUT: Final = "standard input"


def converted_policy(vendor: str, file: str, repository: str | None) -> ConvertedFile:
    """What is made of a document in the words of `vendor`. `file`: a path, or `-`. Raises UsageError."""
    if repository:
        _check_repository(repository)
    return _written(file).understood(lambda part: _CONVERTERS[vendor](part, repository or None))


def _written(file: str) -> WrittenDocument:
    if file != "-":
        return WrittenDocument(file, read_retention_file(Path(file)))
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("FILE -: standard input is a terminal, not a policy")
    body = sys.stdin.buffer.read(MAX_BYTES + 1)
    return WrittenDocument(_STANDARD_INPUT, retention_document(body, _STANDARD_INPUT))


def _check_repository(text: str) -> None:
    try:
        RepositoryPattern(text)
        reach(text)
    except ValueError as error:
        raise UsageError(f"{o.REPOSITORY.flag}: {error}") from error
