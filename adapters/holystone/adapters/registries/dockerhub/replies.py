"""What the Hub API's replies mean. Two shapes of error body are in use: `{"message", "errinfo"}` and `{"detail"}`
(docker/docs:content/reference/api/hub/latest.yaml; docker/hub-feedback, issues 2006 and 2171)."""

import time
from typing import Final

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.rates import retry_after
from holystone.adapters.http.reply import Reply, address
from holystone.engine.scheduler import RateLimited

ADVICE: Final = (
    "Give --repo-docker-hub-username and --repo-docker-hub-password (a personal access token with the permission "
    "Read, Write, Delete, or an organization's name and its token with the scopes scope-repository-read, "
    "scope-tag-admin and scope-image-pull, and scope-image-push to undo)."
)
PULLS: Final = (
    "To read images, an access token needs the permission Read, and an organization's the scope scope-image-pull; to "
    "undo Write, and scope-image-push."
)
DONE: Final = frozenset((200, 202, 204))
"""204 is the usual one; werf and hub-tool take the others too (werf/werf:pkg/docker_registry/docker_hub_api.go)."""
ABUSE_WAIT: Final = 60.0
"""Seconds. The protection against abuse names no time; its limit is per minute (docs.docker.com/docker-hub/usage)."""


class _Said(msgspec.Struct):
    message: str = ""
    detail: str = ""


def said(reply: Reply) -> str:
    """What a reply says, in lower case; empty if the body is not the Hub API's own."""
    try:
        body = msgspec.json.decode(reply.body, type=_Said)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return (body.message or body.detail).lower()


def is_unrouted(reply: Reply) -> bool:
    """Nobody lives at that address: the answer is not about the tag. The list of calls an organization's token may use
    names DELETE below /v2/namespaces, the OpenAPI document does not."""
    text = said(reply)
    return reply.status == 405 or (reply.status == 404 and (not text or "page not found" in text or "route" in text))


def lacking(reply: Reply, who: str, what: str) -> str:
    """Which right is missing, after a 403. `what` is a repository."""
    text = said(reply)
    if "organization access token" in text:
        # Sent by the older address only (docker/docs:content/manuals/security/access-tokens/reference.md).
        need = "Docker Hub takes no organization's token for this call; a user's access token is needed"
    elif "personal access token" in text:  # docker/hub-feedback, issues 2006, 2127 and 2251
        need = "the personal access token needs the permission Read, Write, Delete"
    elif "insufficient scope" in text:
        need = "the access token lacks the permission Read, Write, Delete, or an organization's one scope-tag-admin"
    else:  # docker/hub-feedback, issue 2008
        need = "its user needs the permission Admin there, and an access token Read, Write, Delete"
    return f"{who} may not delete tags of {what}: {need} ({address(reply.asked)} answered {summary(reply)})"


def later(reply: Reply) -> RateLimited | None:
    """The Hub API's 429 says when to come back, in X-Retry-After, which the usual rules understand; the one of the
    protection against abuse is plain text and says nothing."""
    if reply.status == 429 and retry_after(reply.headers, time.time()) is None:
        return RateLimited(f"{address(reply.url)} answered {summary(reply)}", ABUSE_WAIT)
    return None


def pull_limit(reply: Reply) -> RateLimited | None:
    """The registry counts each GET of a manifest as a pull, in windows of hours; HEAD and configurations are free
    (docs.docker.com/docker-hub/usage/pulls)."""
    if reply.status != 429 or error_code(reply) != "TOOMANYREQUESTS":
        return None
    limit = reply.headers.get("RateLimit-Limit", "")
    much = f", {limit.partition(';')[0]} in {limit.partition('w=')[2]} s" if ";w=" in limit else ""
    return RateLimited(
        f"the account's pulls from Docker Hub are used up{much} (each manifest that is read for the first time is "
        f"one): {summary(reply)}",
        retry_after(reply.headers, time.time()),
    )
