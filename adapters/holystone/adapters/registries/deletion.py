"""What an error means for the one deletion in which it was raised."""

from holystone.engine.errors import (
    Doubtful,
    HolystoneError,
    IncompleteSource,
    RegistryFailure,
    TooLate,
    Unauthorized,
    Unreachable,
)
from holystone.engine.model.outcomes import Failed, Forbidden, Late, Outcome


def failed_deletion(error: HolystoneError) -> Outcome:
    """Raises the error again if it is not this deletion's: a host that is down or answers twice, a wrong option."""
    match error:
        case Unreachable() | Doubtful():
            raise error
        case TooLate():
            return Late(error.message)
        case Unauthorized():
            return Forbidden(error.message)
        case IncompleteSource() | RegistryFailure():
            return Failed(error.message)
        case _:
            raise error
