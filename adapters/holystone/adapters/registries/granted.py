"""What a registry token allows, by its own words."""

from collections.abc import Mapping
from typing import Any


def granted_actions(claims: Mapping[str, Any]) -> frozenset[str] | None:
    """Of the `access` list of a token's claims (distribution, spec/auth/jwt.md); None if it has none that can be
    understood, as tokens that are no JWT."""
    access = claims.get("access")
    if not isinstance(access, list):
        return None
    actions = [entry["actions"] for entry in access if isinstance(entry, dict) and "actions" in entry]
    return frozenset(action for each in actions if isinstance(each, list) for action in each if isinstance(action, str))
