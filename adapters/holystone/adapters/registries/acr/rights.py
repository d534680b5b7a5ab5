"""What an access token of the registry allows, read from its claims (Azure/acr, docs/AAD-OAuth.md)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from holystone.engine.model.references import Repository


class _Access(msgspec.Struct):
    type: str
    name: str
    actions: list[str]


def granted_actions(claims: Mapping[str, Any], repository: Repository) -> frozenset[str] | None:
    """None if the token does not say."""
    try:
        access = msgspec.convert(claims.get("access"), list[_Access])
    except msgspec.ValidationError:
        return None
    return frozenset(
        action
        for each in access
        if each.type == "repository" and each.name == repository.path
        for action in each.actions
    )
