"""What an error means for the one deletion in which it was raised."""

from holystone.engine.errors import HolystoneError, IncompleteSource, RegistryFailure, Unauthorized, Unreachable
from holystone.engine.model.outcomes import Failed, Forbidden, Outcome


def failed_deletion(error: HolystoneError) -> Outcome:
    """Raises the error again if it is not this deletion's: a host that is down, a wrong option."""
    match error:
        case Unreachable():
            raise error
        case Unauthorized():
            return Forbidden(error.message)
        case IncompleteSource() | RegistryFailure():
            return Failed(error.message)
        case _:
            raise error
