"""A file of retention policies, as one YAML value with positions."""

from pathlib import Path
from typing import Final

from holystone.adapters.files import read_file
from holystone.adapters.yaml.documents import MAX_BYTES, decode, parse_documents
from holystone.adapters.yaml.nodes import Node, Position, problem
from holystone.engine.errors import UsageError

_BEGIN: Final = Position(1, 1)


def read_retention_file(file: Path) -> Node:
    """The one document of the file, which may be a pipe. Raises UsageError."""
    source = str(file)
    try:
        body = read_file(file, MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:  # a name with a null character, which YAML can write
        raise UsageError(f"cannot read {file}: {error}") from error
    return retention_document(body, source)


def retention_document(body: bytes, source: str) -> Node:
    """The one document of a file's bytes; `source` names the file. Raises UsageError."""
    documents = parse_documents(decode(body, source), source)
    if not documents:
        raise problem(source, _BEGIN, "nothing in it")
    first, *more = documents
    if more:
        raise problem(source, more[0].position, "a second document; all policies stand in one")
    return first
