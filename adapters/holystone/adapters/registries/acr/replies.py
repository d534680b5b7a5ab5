"""What Azure's replies mean. Each code with where it was seen."""

from typing import Final

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome

NEEDED_RIGHTS: Final = (
    "On the registry it needs the roles AcrPull and AcrDelete, or, where repository permissions (ABAC) are on, "
    "Container Registry Repository Contributor; a repository-scoped token needs content/read, content/delete and "
    "metadata/read."
)
"""container-registry-rbac-abac-repository-permissions.md and
container-registry-token-based-repository-permissions.md of Azure's documentation."""
FIREWALL: Final = "The registry's firewall may not know this machine: see 'Networking' in the Azure portal."


def deletion_outcome(reply: Reply) -> Outcome:
    code = error_code(reply)
    match reply.status:
        case 200 | 202 | 204:  # 202: Azure/acr-cli, docs/swagger.yaml
            return Deleted()
        case 404 if code:
            # MANIFEST_UNKNOWN, NAME_UNKNOWN; what a missing tag is called is UNCONFIRMED. Azure/acr-cli
            # (internal/worker/purger.go) takes every 404 for gone, but a bare one may come from a proxy.
            return AlreadyGone()
        case 405 if code == "REGISTRY_DISALLOWED_OPERATION":  # Azure/acr-cli#70
            return Locked("the tag, the manifest or the repository is locked in Azure (az acr repository update)")
        case 401:  # lacking rights, with a fresh token
            return Forbidden(f"no right to delete: {summary(reply)}")
        case 403:  # DENIED: firewall, private link
            return Forbidden(f"{summary(reply)}. {FIREWALL}")
        case _:
            # 409 too (azure-cli knows it as a conflict): it may work later.
            return Failed(summary(reply))


def is_absent(reply: Reply) -> bool:
    """The repository surely does not exist. Who lacks rights is told 401, never this."""
    return reply.status == 404 and error_code(reply) == "NAME_UNKNOWN"


def unreadable(what: str, reply: Reply) -> IncompleteSource:
    if reply.status == 403:
        return Unauthorized(f"{what} cannot be read: {summary(reply)}.", what_to_do=FIREWALL)
    return IncompleteSource(f"{what} cannot be read: {summary(reply)}.", what_to_do=STRANGE)
