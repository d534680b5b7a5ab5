"""What stopped the work on a repository, as a value: it can be kept, and sent to another process."""

from typing import Final, Self

from holystone.engine import errors
from holystone.engine.errors import HolystoneError
from holystone.engine.model.value import Value

_KINDS: Final = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, HolystoneError)
}


class Stopped(Value, frozen=True):
    kind: str
    """The name of the error in `engine.errors`, or of the one there that it is a special case of."""
    message: str
    not_deleted: str = ""
    what_to_do: str = ""

    @classmethod
    def by(cls, error: HolystoneError) -> Self:
        kind = next(each.__name__ for each in type(error).__mro__ if each in _KINDS.values())
        return cls(kind, error.message, error.not_deleted, error.what_to_do)

    def is_a(self, kind: type[HolystoneError]) -> bool:
        return issubclass(_KINDS.get(self.kind, HolystoneError), kind)

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.not_deleted, self.what_to_do) if part)
