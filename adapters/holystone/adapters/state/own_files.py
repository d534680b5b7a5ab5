"""Files that decide what is done with our rights: journal, locks, cache. They are believed only where nobody else can
have written them, and made so that nobody else can read them.

The folder is what counts: nobody but us (and root) can put a file into it, take one away or rename one. The sticky bit
is not enough: SQLite opens what lies beside a database (`-wal`, `-journal`) by its name, when we have looked at it, and
takes it in. Each file is looked at, too, since others may have been able to write there before.
"""

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from holystone.engine.errors import UsageError, shell_word

_MODE: Final = 0o600
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NOTHING: Final = "Nothing was deleted."
_NOBODY_KNOWN: Final = 65_534
"""The owner that Linux shows of what belongs to nobody within a user namespace (user_namespaces(7))."""


def own_folder(folder: Path) -> None:
    """Makes the folder if it is not there. Raises UsageError if somebody else can write in it, or owns one above it,
    OSError if it cannot be made."""
    # Parents too: `mkdir` makes them as the mask says, and whoever can write in one can move the folder away.
    for missing in reversed([each for each in folder.parents if not each.exists()]):
        missing.mkdir(exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)
    _check_parents(folder)
    found = folder.stat()
    # Whoever owns a link says where it leads.
    for owner in {folder.lstat().st_uid, found.st_uid} - {0, os.geteuid()}:
        raise UsageError(
            f"The folder {folder} belongs to {_user(owner)}: what lies in it would be done with your rights.",
            not_deleted=_NOTHING,
            what_to_do=f"Choose another folder, or look at what is in it and make it yours: {_chown(folder)}",
        )
    if found.st_mode & _OTHERS_WRITE:
        or_else = "" if found.st_mode & stat.S_ISVTX else f", or: chmod go-w {shell_word(folder)}"
        raise UsageError(
            f"Others can write in the folder {folder}: what they put into it would be done with your rights.",
            not_deleted=_NOTHING,
            what_to_do=f"Choose a folder that is yours alone (one below it that is not there yet is made so){or_else}",
        )


def _check_parents(folder: Path) -> None:
    """Whoever owns a folder above can put another one in the place of this one when it has been looked at. Of an owner
    that this machine has no name for no process can be running: a container's workspace belongs to the user of its
    host."""
    for parent in dict.fromkeys((*folder.absolute().parents, *folder.resolve().parents)):
        owner = parent.stat().st_uid
        if owner not in (0, os.geteuid(), _NOBODY_KNOWN) and _name(owner):
            raise UsageError(
                f"The folder {parent} belongs to {_user(owner)}, who could put another folder in the place of "
                f"{folder}: what lies in it would be done with your rights.",
                not_deleted=_NOTHING,
                what_to_do="Choose one below your own home (--state-dir, --cache-dir)",
            )


def open_own(file: str | Path, flags: int) -> int:
    """The descriptor of a regular file that is ours, readable by nobody else from now on; `open` takes this as its
    `opener`. Raises UsageError for anything else, before it is read or changed, OSError as `os.open`."""
    try:
        descriptor = os.open(file, flags & ~os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _MODE)
    except OSError:
        with suppress(FileNotFoundError):
            _check(Path(file), Path(file).lstat())
        raise
    try:
        found = os.fstat(descriptor)
        _check(Path(file), found)
        if stat.S_IMODE(found.st_mode) != _MODE:
            os.fchmod(descriptor, _MODE)
        if flags & os.O_TRUNC:
            os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def own_database(file: Path) -> None:
    """To be called before SQLite opens the file, which follows links and asks for no owner; it gives the files that it
    puts beside it the mode of this one. Raises UsageError if one of them is not ours, OSError if there can be none.

    By name, not by descriptor: closing one would give back the locks that this process has on the file by SQLite
    (sqlite.org/howtocorrupt.html, 2.2)."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE))
    for each in (file, *(file.with_name(f"{file.name}-{suffix}") for suffix in ("wal", "shm", "journal"))):
        with suppress(FileNotFoundError):
            found = each.lstat()
            _check(each, found)
            if stat.S_IMODE(found.st_mode) != _MODE:
                each.chmod(_MODE)


def _check(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        what, way_out = f"is {_KINDS.get(stat.S_IFMT(found.st_mode), 'no file')}", "remove it"
    elif found.st_uid != os.geteuid():
        what, way_out = f"belongs to {_user(found.st_uid)}", f"remove it, or if it is yours after all: {_chown(file)}"
    elif found.st_nlink > 1:
        what, way_out = "has a second name elsewhere (a hard link)", "remove it"
    else:
        return
    raise UsageError(
        f"{file} {what}, where a file of Holystone's own should be: it is neither read nor changed.",
        not_deleted=_NOTHING,
        what_to_do=f"Find out who put it there and {way_out}",
    )


def _user(uid: int) -> str:
    return f"user {_name(uid) or uid}"


def _name(uid: int) -> str | None:
    """What a user is called; None if this machine has no such one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _chown(path: Path) -> str:
    return f"sudo chown {os.geteuid()} {shell_word(path)}"
