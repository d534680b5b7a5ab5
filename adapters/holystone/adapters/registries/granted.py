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
    """What a token allows in one repository, by the `access` list of a token's claims (distribution, spec/auth/jwt.md;
    Azure/acr, docs/AAD-OAuth.md). None if it has none that can be understood, as tokens that are no JWT: then nothing
    is known."""
    return _actions(claims, "repository", path)


def may_list_all(claims: Mapping[str, Any]) -> bool:
    """Whether the token opens the catalog, which is whole then (distribution, registry/handlers/app.go,
    appendCatalogAccessRecord)."""
    return "*" in (_actions(claims, "registry", "catalog") or ())


def _actions(claims: Mapping[str, Any], kind: str, name: str) -> frozenset[str] | None:
    try:
        access = msgspec.convert(_in_small_letters(claims.get("access")), list[_Access])
    except msgspec.ValidationError:
        return None
    return frozenset(
        action for each in access if (each.type, each.name) == (kind, name) for action in each.actions or ()
    )


def _in_small_letters(access: Any) -> Any:
    """Azure writes `Type`, `Name` and `Actions` in tokens of its version 1.0 (Azure/azure-sdk-for-net, recordings of
    2021-12), and small letters in those of 2.0."""
    if not isinstance(access, list):
        return access
    return [{str(k).lower(): v for k, v in each.items()} if isinstance(each, dict) else each for each in access]
