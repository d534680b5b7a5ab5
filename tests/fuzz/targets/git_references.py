"""Files of references, and tag objects, in a clone: what is sound is listed, anything else is an error in words.

The input: the content of a loose branch, of packed-refs, and of an annotated tag, with a line `%%` between."""

import shutil
import tempfile
from pathlib import Path

import pygit2

from holystone.adapters.git.repository import GitRepository
from holystone.engine.errors import HolystoneError

_TOP = tempfile.TemporaryDirectory(prefix="holystone-fuzz-")
_BARE = Path(_TOP.name) / "clone.git"
_CLONE = pygit2.init_repository(str(_BARE), bare=True)
_WHO = pygit2.Signature("a", "a@example", 1_600_000_000, 0)
_COMMIT = str(_CLONE.create_commit(None, _WHO, _WHO, "one", _CLONE.TreeBuilder().write(), []))
_AT = _COMMIT.encode()
_TAG = b"object " + _AT + b"\ntype commit\ntag v1\ntagger A <a@example> 1600000000 +0100\n\nmessage\n"
SEEDS = (
    b"\n%%\n".join((_AT + b"\n", b"# pack-refs with: peeled fully-peeled sorted \n" + _AT + b" refs/tags/v0\n", _TAG)),
    b"\n%%\n".join(
        (b"ref: refs/remotes/origin/other\n", _AT + b" refs/remotes/origin/x\n", _TAG.replace(b"tagger", b"tugger"))
    ),
    b"\n%%\n".join((b"", b"", b"")),
)


def parse(data: bytes) -> None:
    loose, packed, tag, *_ = (*data.split(b"\n%%\n"), b"", b"")
    shutil.rmtree(_BARE / "refs")
    for name, content in (("refs/remotes/origin/main", loose), ("packed-refs", packed)):
        (_BARE / name).parent.mkdir(parents=True, exist_ok=True)
        (_BARE / name).write_bytes(content)
    (_BARE / "refs/heads").mkdir()
    (_BARE / "refs/tags").mkdir()
    written: Path | None = None
    try:
        at = str(_CLONE.write(pygit2.enums.ObjectType.TAG, tag))
        (_BARE / "refs/tags/v1").write_text(f"{at}\n")
        written = _BARE / "objects" / at[:2] / at[2:]
    except (pygit2.GitError, ValueError):
        pass
    try:
        found = GitRepository(_BARE, pygit2.Repository(str(_BARE))).references()
        assert all(len(each.commit) == 40 for each in found.found)
    except HolystoneError as error:
        str(error)
    finally:
        if written:
            written.unlink(missing_ok=True)
