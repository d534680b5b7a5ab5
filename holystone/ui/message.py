"""What a person has to know, on standard error: `holystone: …`, then what was not deleted and what to do, indented.
Whatever else there is to a message (several causes, what git said) is marked, so that nobody can add an advice."""

from holystone.engine.errors import HolystoneError
from holystone.ui.output import marked, tell


def print_error(error: HolystoneError) -> None:
    first, _, more = error.message.strip().partition("\n")
    rest = (*marked(more), error.not_deleted, error.what_to_do)
    tell(f"holystone: {first}", *(f"  {line}" for line in rest if line))
