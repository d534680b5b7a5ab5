"""What GitHub's answer to the deletion of a version means. Each with where it was seen; texts, not codes, tell."""

import re
from typing import Final

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome

LAST_TAGGED: Final = "GitHub never deletes the last tagged version of a package"
LAST: Final = "GitHub never deletes the last version of a package"
POPULAR: Final = (
    "GitHub does not delete versions of a public package that were downloaded more than 5,000 times; "
    "make the package private for the while, or ask GitHub Support"
)
_NEEDS: Final = (
    "its owner must be an admin of the package; a workflow's repository needs the role Admin under the package's "
    "Manage Actions access, and the workflow packages: write"
)
# In this order: a text may name both (posit-dev/positron#15764).
_RULES: Final = (
    (re.compile(rb"last tagged version", re.IGNORECASE), LAST_TAGGED),  # kairos-io/kairos#4723
    (re.compile(rb"last version of a package", re.IGNORECASE), LAST),  # actions/delete-package-versions#231
    (re.compile(rb"more than 5,?000 downloads", re.IGNORECASE), POPULAR),  # dataaxiom/ghcr-cleanup-action, README
)


def deletion_outcome(reply: Reply, who: str) -> Outcome:
    """A 404 is AlreadyGone here; whether it hides a missing right the caller finds out."""
    if reply.status == 204:
        return Deleted()
    if reply.status == 404:
        return AlreadyGone()
    if 400 <= reply.status < 500 and (rule := rule_in(reply.body)):
        return Locked(rule)
    if reply.status in (401, 403):  # "Resource not accessible by integration" (dataaxiom/ghcr-cleanup-action#28)
        return forbidden(who, summary(reply))
    return Failed(summary(reply))


def rule_in(text: bytes) -> str:
    """Which of GitHub's rules a refusal names; empty if none."""
    return next((rule for pattern, rule in _RULES if pattern.search(text)), "")


def forbidden(who: str, said: str) -> Forbidden:
    return Forbidden(f"{who} must not delete versions ({said}): {_NEEDS}")
