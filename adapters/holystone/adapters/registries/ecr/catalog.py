"""DescribeRepositories: every repository of the account in its region. It has no filter by the beginning of a name."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.ecr.api import EcrApi
from holystone.adapters.registries.ecr.errors import ApiError
from holystone.engine.ports import CatalogPage
from holystone.engine.scheduler import Lane

PAGE_SIZE: Final = 1000


class _Row(msgspec.Struct):
    repositoryName: str


class _Rows(msgspec.Struct):
    repositories: list[_Row]
    nextToken: str | None = None


async def read_catalog(api: EcrApi, lane: Lane, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    """All of them or AccessDeniedException: the call's resource in IAM is all repositories of the account (service
    authorization reference, Amazon Elastic Container Registry)."""
    token: str | None = None
    while True:
        catalog.admit(token or "")
        asked = api.of_account(maxResults=PAGE_SIZE, **({"nextToken": token} if token else {}))
        try:
            rows = await api.call("DescribeRepositories", _Rows, lane, asked)
        except ApiError as error:
            raise api.unreadable(f"The list of {catalog.what}", error, "ecr:DescribeRepositories") from error
        yield catalog.page([row.repositoryName for row in rows.repositories])
        token = rows.nextToken
        if not token:
            return
