"""A value that does not show itself: not in a log, a traceback, a pickle or a JSON document."""

import hmac
from typing import Any, ClassVar, Final, NoReturn

from holystone.adapters.credentials.redaction import remember

SHOWN: Final = "Secret(***)"


class Secret:
    """Wraps a password or token. `reveal` is the one way out, called only where Authorization headers, forms and
    login bodies are built (`http.authorization`). What was wrapped once is nowhere printed from then on (`redaction`).
    """

    __slots__ = ("_value",)
    _is_told: ClassVar[bool] = True
    """Whether it is hidden where others say it, too."""

    def __init__(self, value: str) -> None:
        self._value = value
        if self._is_told:
            remember(value)

    def reveal(self) -> str:
        if self._is_told:
            remember(self._value)  # in use
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        """Takes the same time wherever the two differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        ours, theirs = self._value, other._value
        return hmac.compare_digest(ours.encode(errors="surrogatepass"), theirs.encode(errors="surrogatepass"))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return SHOWN

    def __str__(self) -> str:
        return SHOWN

    def __format__(self, _spec: str) -> str:
        return SHOWN

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Secret":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never written anywhere")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret is never written anywhere")


class MaybeSecret(Secret):
    """What may be a secret and often is none, such as a variable for a program. It does not show itself either, but
    where others say `prod` or `eu-west-1`, they may."""

    __slots__ = ()
    _is_told = False
