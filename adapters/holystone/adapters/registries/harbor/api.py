"""Harbor's API v2.0, as far as a cleaner needs it: paths, and one request at a time."""

from collections.abc import Collection
from typing import Final
from urllib.parse import quote

from holystone.adapters.credentials.credential import Credential
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.oci import LIST_LIMIT
from holystone.engine.errors import UsageError
from holystone.engine.model.references import Repository
from holystone.engine.scheduler import Lane

WRITE_TIMEOUT: Final = 330.0
"""Seconds. Each deletion of an artifact, and each push, refreshes the project's quota under an optimistic lock, which
Harbor tries for up to five minutes (goharbor/harbor:src/controller/quota/controller.go). The nginx that Harbor brings
waits 900 seconds for /v2/ and 60 for /api/ (make/photon/prepare/templates/nginx): a deletion that takes longer is
answered 504 there, goes on, and is found done when it is sent again."""
_ERROR_LIMIT: Final = 1024 * 1024


class HarborApi:
    """No cookies are kept (see `http.wire`): Harbor wants a CSRF token from whoever sends its session cookie back.

    Harbor limits no rates. Deletions in one project compete for its quota and for database locks
    (goharbor/harbor#18440, #21062), two to four at once are what it likes; the lane finds that out by itself, since it
    sends fewer when answers get slower or are 500.
    """

    def __init__(self, http: RegistryHttp, reads: Lane, writes: Lane, credential: Credential) -> None:
        self._http = http
        self._reads = reads
        self._writes = writes
        self.credential = credential
        """Whose requests these are, for messages."""

    def __repr__(self) -> str:
        return f"<HarborApi {self._http!r}>"

    async def get(self, repository: Repository, path: str = "", *, final: Collection[int] = ()) -> Reply:
        """`path` is below the repository."""
        return await self._http.request(
            "GET", _base(repository) + path, lane=self._reads, limit=LIST_LIMIT, final=final
        )

    async def delete(self, repository: Repository, path: str, *, final: Collection[int] = ()) -> Reply:
        return await self._http.request(
            "DELETE",
            _base(repository) + path,
            lane=self._writes,
            limit=_ERROR_LIMIT,
            timeout=WRITE_TIMEOUT,
            final=final,
        )


def project(repository: Repository) -> str:
    """Raises UsageError for a name without one."""
    name, slash, _ = repository.path.partition("/")
    if not slash:
        raise UsageError(
            f"{repository} names no repository of Harbor.",
            what_to_do="Write HOST/PROJECT/REPOSITORY, as in docker push.",
        )
    return name


def artifact(reference: str) -> str:
    """The path of one, by tag or digest."""
    return f"/artifacts/{quote(reference, safe=':')}"


def _base(repository: Repository) -> str:
    """A slash in the name is encoded twice: Harbor's router decodes once, its handler again (goharbor/harbor#12131)."""
    name = repository.path.partition("/")[2]
    return (
        f"/api/v2.0/projects/{quote(project(repository), safe='')}/repositories/{quote(quote(name, safe=''), safe='')}"
    )
