"""What Harbor's replies mean. Codes: goharbor/harbor:src/lib/errors/const.go; the API and /v2 use the same."""

import re
from typing import Final

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.reply import Reply, address
from holystone.adapters.registries.harbor.profile import RIGHTS
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome, Referenced
from holystone.engine.scheduler import Transient

NOT_FOUND: Final = "NOT_FOUND"
_UNROUTED: Final = re.compile(rb'"path [^"]* was not found"')
READ_ONLY: Final = (
    "Harbor is in read-only mode; a system administrator switches it off under Configuration, System Settings"
)


def classify(reply: Reply) -> Transient | None:
    """Two requests that change the same row at the same time: one of them is told 409. Deadlocks are 500 UNKNOWN
    (goharbor/harbor#21062), which is retried anyway, as are 429 and 503 of an ingress in front."""
    if reply.status == 409 and error_code(reply) == "CONFLICT":
        return Transient(f"{address(reply.url)} answered {summary(reply)}")
    return None


def is_absent(reply: Reply) -> bool:
    """Harbor's own word that what the path names is not there. Of a path that is wrongly encoded it says so in nearly
    the same words (seen on Harbor 2.15: NOT_FOUND, "path … was not found")."""
    return reply.status == 404 and error_code(reply) == NOT_FOUND and not _UNROUTED.search(reply.body)


def is_read_only(reply: Reply) -> bool:
    """Whether Harbor is read-only (src/server/middleware/readonly/readonly.go). Lacking rights are FORBIDDEN."""
    return reply.status == 403 and error_code(reply) == "DENIED"


def deletion_outcome(reply: Reply) -> Outcome:
    if reply.status in (200, 202, 204):
        return Deleted()
    if is_absent(reply):
        return AlreadyGone()
    if is_read_only(reply):
        return Forbidden(f"{READ_ONLY}: {summary(reply)}")
    match reply.status, error_code(reply):
        case 412, "PRECONDITION":
            # src/controller/tag/controller.go, Delete: an immutability rule, and until 2.8 Notary's signature too.
            # The whole deletion of an artifact is rolled back if one of its tags is locked.
            return Locked(summary(reply))
        case 412, "VIOLATE_FOREIGN_KEY_CONSTRAINT":
            return Referenced(summary(reply))  # an index lists it (controller.go, deleteDeeply)
        case 405, _:
            return Forbidden(f"the project does not allow it: {summary(reply)}")  # METHOD_NOT_ALLOWED: proxy cache
        case ((401 | 403), _):
            return Forbidden(f"no right to delete, which needs {RIGHTS}: {summary(reply)}")
        case _:
            return Failed(summary(reply))
