"""What a reply to a deletion means. Each code with where it was seen."""

from typing import Final

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.reply import Reply
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome, Referenced

DELETION_OFF: Final = (
    "deletion is switched off on the server; set storage.delete.enabled "
    "(environment variable REGISTRY_STORAGE_DELETE_ENABLED=true) and restart the registry"
)
READ_ONLY: Final = "the registry is in read-only maintenance mode (storage.maintenance.readonly)"

_GONE_CODES: Final = {
    "MANIFEST_UNKNOWN",  # distribution 2.8 and 3: digest, tag or repository absent
    "NAME_UNKNOWN",  # zot: repository absent, with status 400
    "NOT_FOUND",  # registries that front several formats
}


def deletion_outcome(reply: Reply) -> Outcome:
    if reply.status in (200, 202, 204):
        return Deleted()
    code = error_code(reply)
    match reply.status:
        case 404 if code in _GONE_CODES:
            return AlreadyGone()
        case 400 if code == "NAME_UNKNOWN":
            return AlreadyGone()
        case 405 if code == "DENIED":  # zot: an index lists this manifest
            return Referenced(summary(reply))
        case 405:  # whether deletion is off is asked by the probe: this one may be a gateway's, or this name's own
            return Forbidden(summary(reply))
        case 401 | 403:
            return Forbidden(f"no right to delete: {summary(reply)}")
        case 409 | 412 | 423:
            return Locked(summary(reply))
        case _:
            # A bare 404 comes from a proxy or a wrong address as often as from a registry: it proves nothing.
            return Failed(summary(reply))


def why_405(reply: Reply) -> str:
    """What a 405 means. distribution says JSON `UNSUPPORTED` if deletion is off, plain text while read-only."""
    return DELETION_OFF if error_code(reply) == "UNSUPPORTED" else READ_ONLY
