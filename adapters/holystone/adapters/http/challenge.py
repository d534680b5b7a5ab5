"""How a registry wants to be asked: the WWW-Authenticate header (RFC 9110, 11.6.1)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from multidict import CIMultiDict

_SEPARATOR = re.compile(r"[\s,]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"""\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=]+))""")
_TOKEN68 = re.compile(r" +[A-Za-z0-9._~+/-]+=*\s*(?=,|$)")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    scheme: str
    """In lower case."""
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BearerChallenge:
    realm: str
    service: str
    scope: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class BasicChallenge:
    pass


def parse(headers: Iterable[str]) -> list[Challenge]:
    """All challenges of all WWW-Authenticate headers. What follows a syntax error in a header is ignored."""
    return [challenge for header in headers for challenge in _parse(header)]


def choose(challenges: Iterable[Challenge]) -> BearerChallenge | BasicChallenge | None:
    """Bearer before Basic; None if there is neither."""
    found: BasicChallenge | None = None
    for challenge in challenges:
        get = challenge.parameters.get
        if challenge.scheme == "bearer" and get("realm"):
            return BearerChallenge(get("realm", ""), get("service", ""), get("scope", ""), get("error", ""))
        if challenge.scheme == "basic":
            found = BasicChallenge()
    return found


def _parse(header: str) -> Iterator[Challenge]:
    # Bytes that are no UTF-8 come as surrogates, and what is said here goes into a query or a form.
    header = header.encode(errors="surrogatepass").decode(errors="replace")
    scheme = ""
    parameters: CIMultiDict[str] = CIMultiDict()
    at = 0
    while token := _TOKEN.match(header, _end(_SEPARATOR, header, at)):
        at = token.end()
        if scheme and (value := _VALUE.match(header, at)):
            quoted, plain = value.groups()
            text = plain if quoted is None else _ESCAPE.sub(r"\1", quoted)
            parameters.setdefault(token[0], text)
            at = value.end()
            continue
        if scheme:
            yield Challenge(scheme, parameters)
        scheme, parameters = token[0].lower(), CIMultiDict()
        if (token68 := _TOKEN68.match(header, at)) and not _opens_challenge(header, at):
            at = token68.end()
    if scheme:
        yield Challenge(scheme, parameters)


def _opens_challenge(header: str, at: int) -> bool:
    """`Negotiate Basic` is no list, so a bare word after a scheme is its token68, unless a parameter follows."""
    word = _TOKEN.match(header, _end(_SEPARATOR, header, at))
    return word is not None and _VALUE.match(header, word.end()) is not None


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at
