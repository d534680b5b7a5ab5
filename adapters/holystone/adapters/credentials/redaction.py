"""Takes the run's secrets out of text that somebody is going to see, in every form in which they may stand there.

Whoever repeats a secret writes it his own way: Go has `\\u0026` for `&` in JSON, a page `&#34;`, a query `%22`, a log
of headers base64. So each character of a secret is looked for in all the ways that it may be written, in the text as it
is going to be printed, and not in the bytes that came.

The list is the process's: a run has one, and whoever prints must not have to know whose secret it may be.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html.entities import codepoint2name
from typing import Final, NamedTuple
from urllib.parse import quote

MASK: Final = "***"
_SHORTEST: Final = 4
"""Characters. A shorter one would be found in every word, and is guessed as fast as read."""
_WORD: Final = 8
"""Characters. What is shorter is hidden where it stands for itself: `main` in `domain` is nobody's password, and four
hexadecimal digits are in every tenth digest."""
LONGEST: Final = 4096
"""Characters. Longer ones are whole files, which nobody repeats in another form."""
_SPREAD: Final = 8192
"""Characters that one may take in another form."""
_SIGNS: Final = 128
"""Characters of one secret that have many forms. A pattern takes a millisecond to make for each, and a token server may
send thousands."""
_TIMES: Final = 16
"""That one sign of an escape may stand in a row, as when JSON is put into JSON four times. More takes the square of the
time, and a server that knows the secret may send as many as it likes."""
_MOST: Final = 256
"""Secrets that are remembered, the last used ones: every repository has tokens of its own. What a server says is
freed of secrets when it comes, too (`reply.printable`), so that what is forgotten was hidden before."""
_SPELLED: Final = 16
"""Of these, the last used ones, that are looked for in all ways; the others in the usual ones. Each may take a fifth of
a second, if one server has chosen the secrets and what it says next, and meanwhile nothing else runs."""

_USERINFO: Final = re.compile(r"(?i)\b((?:https?|ssh|git|ftps?|socks[45]?[ah]?)://)[^\s/?#]*@")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]+")
"""Characters that have one form only."""
_CODED: Final = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")
"""What may be base64 itself, as the login of Basic is."""
_ROW: Final = re.compile(r"([\\\s])\1*")
"""Whoever repeats them makes more or fewer of them. One pattern for all: two in a row could share them out in too many
ways."""


def remember(secret: str) -> None:
    """Keeps a secret in mind: from here on it is nowhere to be seen."""
    if len(secret) >= _SHORTEST:
        _KNOWN.pop(secret, None)
        _KNOWN[secret] = None
        while len(_KNOWN) > _MOST:
            del _KNOWN[next(iter(_KNOWN))]


def redacted(text: str) -> str:
    """The text without the secrets that are known, and without the user info of an address."""
    # The longest first: another one may be a part of it, and what is left over tells the rest.
    known = list(_KNOWN)
    older = frozenset(known[:-_SPELLED])
    for secret in sorted(known, key=len, reverse=True):
        for form in _forms(secret, in_all_ways=secret not in older):
            if form.sure in text:
                text = form.pattern.sub(MASK, text) if form.pattern else text.replace(form.sure, MASK)
    return _USERINFO.sub(r"\1…@", text) if "@" in text else text


def beginning(text: str, most: int) -> str:
    """The first `most` characters, or fewer, of what is left of it. At their end is no half of a secret, which was not
    taken for one."""
    said = redacted(text[: most + _SPREAD])
    return (said if len(text) <= most + _SPREAD else said[:-_SPREAD])[:most]


def without_userinfo(address: str) -> str:
    """The text without what may be user info: for text that should be an address and is none, so that nobody can tell
    where its host begins."""
    scheme, separator, rest = address.rpartition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{separator}…@{host}" if at else address


_KNOWN: Final[dict[str, None]] = {}


class _Form(NamedTuple):
    sure: str
    """What of it is the same in every spelling: looked for first, it takes a thousandth of the time."""
    pattern: re.Pattern[str] | None
    """None where that is all."""


@lru_cache(maxsize=2 * _MOST)
def _forms(secret: str, *, in_all_ways: bool) -> tuple[_Form, ...]:
    if len(secret) > LONGEST:
        return (_Form(secret, None),)
    coded = base64.b64encode(secret.encode(errors="surrogatepass")).decode()
    itself = _without_padding(secret) if _CODED.fullmatch(secret) else ()
    spellings = dict.fromkeys((secret, *itself, *_without_padding(coded)))
    forms = tuple(form for text in spellings for form in _written(text, in_all_ways=in_all_ways))
    # As the name of a host, to which a server may lead us.
    return (*forms, _Form(secret.lower(), None)) if len(secret) >= _WORD and secret.lower() != secret else forms


def _without_padding(coded: str) -> tuple[str, str]:
    """The base64 without padding, as it is and as in addresses (RFC 4648, 5)."""
    bare = coded.rstrip("=")
    return bare, bare.translate(str.maketrans("+/", "-_"))


def _written(text: str, *, in_all_ways: bool) -> Iterator[_Form]:
    plain = _PLAIN.findall(text)
    sure = max(plain, key=len, default="")
    is_word = len(text) >= _WORD
    if is_word and sure == text:
        yield _Form(sure, None)
        return
    if is_word:
        yield from (_Form(each, None) for each in _usual(text))
    in_all_ways = in_all_ways and len(text) - sum(map(len, plain)) <= _SIGNS
    if in_all_ways or not is_word:
        yield _Form(sure, _pattern(text, is_word=is_word, in_all_ways=in_all_ways))


def _usual(text: str) -> Iterable[str]:
    """Looked for as they stand: what of them is an escape and what is the secret's own, no pattern can know."""
    return dict.fromkeys(
        (text, json.dumps(text)[1:-1], quote(text, safe="", errors="surrogatepass"), html.escape(text))
    )


def _pattern(text: str, *, is_word: bool, in_all_ways: bool) -> re.Pattern[str]:
    ways = [] if is_word else [re.escape(each) for each in _usual(text)]
    if in_all_ways:
        characters = _ROW.sub(r"\1", text)
        ways.append("".join(map(_spellings, characters, ("", *characters))))
    pattern = "|".join(ways)
    return re.compile(pattern if is_word else rf"(?<![0-9A-Za-z])(?:{pattern})(?![0-9A-Za-z])")


@lru_cache(maxsize=1024)
def _spellings(character: str, before: str) -> str:
    """A pattern of all that the character may be written as, also several times over (`%2522`, `&amp;quot;`).

    Atomic, as far as it can be: if there were two ways to share out what stands between two neighbours, or to read one
    of them, a server that chose the secret could make a text that takes for ever. A row of backslashes takes all, so
    the sign after one (`before`) is also known without one of its own. At the begin of a secret, where nothing is
    before, one will do: a row would be gone through once for each that is in it."""
    if _PLAIN.fullmatch(character):
        return re.escape(character)
    number = ord(character)
    utf8 = character.encode(errors="surrogatepass")
    utf16 = character.encode("utf-16-be", errors="surrogatepass")
    units = [utf16[at : at + 2].hex() for at in range(0, len(utf16), 2)]
    names = [name for name in (codepoint2name.get(number), {"'": "apos"}.get(character)) if name]
    least = 0 if before == "\\" else 1
    slashes, any_slashes = rf"\\{{{least},{_TIMES}}}", rf"\\{{0,{_TIMES}}}"
    percent, ampersand = rf"%(?:25){{0,{_TIMES}}}", rf"&(?:amp;){{0,{_TIMES}}}"
    ways = [
        "".join(rf"{slashes}(?i:u{unit})" for unit in units),
        rf"{slashes}(?i:u\{{0{{0,8}}{number:x}\}})",
        rf"{slashes}(?i:x{number:02x})",
        "".join(rf"{slashes}(?i:x{byte:02x})" for byte in utf8),
        "".join(rf"{slashes}{byte:03o}" for byte in utf8),  # git's
        "".join(rf"{percent}(?i:{byte:02x})" for byte in utf8),
        "".join(rf"=(?i:{byte:02x})" for byte in utf8),  # quoted-printable
        rf"{ampersand}#(?:0{{0,8}}{number}|(?i:x0{{0,8}}{number:x}));",
        *(rf"{ampersand}{name};" for name in names),
    ]
    if short := {"\n": "n", "\r": "r", "\t": "t"}.get(character):
        ways.append(rf"{slashes}{short}")
    row = f"{{1,{4 * _TIMES}}}"
    if character == "\\":
        return rf"(?>(?:{'|'.join(ways)}|\\){row if before else ''})"
    if character.isspace():  # over the ends of marked lines, and in a form's body
        return rf"(?>(?:{'|'.join(ways)}){row}|{any_slashes}(?:\s(?:\|\s)?){row}|\+{row})"
    # JSON's, a shell's and Python's quotes; and `%25` may be two signs more of the secret's own.
    group = "?:" if character in "%&=" else "?>"
    return rf"({group}{'|'.join(dict.fromkeys(ways))}|{any_slashes}{re.escape(character)})"
