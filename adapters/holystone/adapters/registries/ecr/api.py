"""ECR's control API: JSON 1.1, `POST /` with the operation in a header."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.ecr.errors import DENIED, WRONG_CREDENTIAL, ApiError, error_of
from holystone.adapters.registries.oci_replies import PAGE_LIMIT, STRANGE
from holystone.adapters.registries.page import decoded_page
from holystone.engine.errors import IncompleteSource, RegistryFailure, TooLate, Unauthorized
from holystone.engine.model.references import Repository
from holystone.engine.scheduler import Lane

T = TypeVar("T")

_TARGET: Final = "AmazonEC2ContainerRegistry_V20150921"
ABSENT: Final = "RepositoryNotFoundException"


class EcrApi:
    def __init__(self, http: RegistryHttp, account: str | None, origin: str) -> None:
        """`account` is whose registry it is, None for the credential's own; `origin` says where that is from."""
        self._http = http
        self._account = account
        self.origin = origin

    async def call(
        self, operation: str, kind: type[T], lane: Lane | None, fields: Mapping[str, Any], *, alone: bool = False
    ) -> T:
        """Nothing that is called here must not be sent twice. `lane` and `alone`: see `RegistryHttp.request`.

        Raises ApiError for an answer that the caller may know how to take, Unauthorized for a credential that is none,
        IncompleteSource for anything that is no answer of AWS's."""
        try:
            reply = await self._http.request(
                "POST",
                "/",
                lane=lane,
                limit=PAGE_LIMIT,
                headers={"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{_TARGET}.{operation}"},
                body=msgspec.json.encode(fields, enc_hook=str),
                alone=alone,
            )
        except TooLate:
            raise
        except RegistryFailure as error:
            raise IncompleteSource(error.message, what_to_do=error.what_to_do) from error
        refusal = error_of(reply)
        if refusal and refusal.code in WRONG_CREDENTIAL:
            raise Unauthorized(
                f"AWS refuses the credential ({self.origin}): {refusal}.",
                what_to_do="Log in again or check the keys, and that the clock of this computer is right.",
            )
        if refusal:
            raise refusal
        if reply.status != 200:
            raise IncompleteSource(f"{operation} was not answered by ECR: {summary(reply)}.", what_to_do=STRANGE)
        try:
            return decoded_page(reply.body, kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise IncompleteSource(
                f"The answer to {operation} of {self._http.host} cannot be understood: {error}", what_to_do=STRANGE
            ) from error

    def about(self, repository: Repository, **fields: Any) -> dict[str, Any]:
        return self.of_account(repositoryName=repository.path, **fields)

    def of_account(self, **fields: Any) -> dict[str, Any]:
        """It is always sent: the credential's own need not be the registry's."""
        account = {"registryId": self._account} if self._account else {}
        return {**account, **fields}

    def unreadable(self, what: str, error: ApiError, action: str) -> IncompleteSource:
        """`action`: the right that reading needs."""
        if error.code in DENIED:
            return Unauthorized(f"{what} cannot be read: {self.lacking(action, error)}.")
        return IncompleteSource(f"{what} cannot be read: {error}.")

    def lacking(self, action: str, error: ApiError) -> str:
        """Says to people who may not do what. AWS's own words name the user or role."""
        return f"the AWS credential ({self.origin}) lacks {action}: {error}"

    def __repr__(self) -> str:
        return f"<EcrApi {self._http!r} {self._account or 'own account'}>"
