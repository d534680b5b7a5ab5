"""Repositories, tags and manifests that are named on the command line."""

from holystone.engine.errors import UsageError
from holystone.engine.model.references import InvalidName
from holystone.engine.names import ImageReference, parse_reference
from holystone.settings.given import GivenValue


def given_reference(text: str) -> ImageReference:
    """Raises UsageError."""
    said = GivenValue(text, "REFERENCE").without_user_info()
    try:
        return parse_reference(said.text)
    except InvalidName as error:
        raise UsageError(f"REFERENCE: {error}") from error
