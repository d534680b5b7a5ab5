"""What a registry token allows, by its own words."""

from collections.abc import Mapping
from typing import Any

import msgspec

from holystone.engine.model.references import RepositoryPath


class _Access(msgspec.Struct):
    name: str
    type: str = "repository"
    actions: list[str] | None = None


def granted_actions(claims: Mapping[str, Any], path: RepositoryPath) -> frozenset[str] | None:
    """In one repository, of the `access` list of a token's claims (distribution, spec/auth/jwt.md; Azure/acr,
    docs/AAD-OAuth.md). None if it has none that can be understood, as tokens that are no JWT: then nothing is known."""
    try:
        access = msgspec.convert(claims.get("access"), list[_Access])
    except msgspec.ValidationError:
        return None
    return frozenset(
        action for each in access if (each.type, each.name) == ("repository", path) for action in each.actions or ()
    )
