"""What proves that a server is distribution: its answer to a GET of a tag that cannot exist.

| asked                  | distribution 2.8       | distribution 3               | others                             |
|------------------------|------------------------|------------------------------|------------------------------------|
| GET an absent tag      | detail `{"Tag": NAME}` | detail `unknown tag=NAME`    | no detail, another one, the first  |
| DELETE an absent tag   | 400 DIGEST_INVALID     | 404 MANIFEST_UNKNOWN         | 404                                |

Seen on docker-registry 2.8.2, distribution 3.1.1, Gitea 1.27, olareg, and Cloudflare's serverless-registry, which
answers the GET as 2.8 does and deletes by tag. The words are ErrTagUnknown's (distribution/distribution: errors.go), in
2.8 it is the error as a document. A header proves nothing: everybody sends `Docker-Distribution-Api-Version`.
"""

from typing import Any, Literal, TypeAlias

from holystone.adapters.http.errors import document, error_code
from holystone.adapters.http.reply import Reply

Distribution: TypeAlias = Literal["2.8", "3"]
_OTHERS = frozenset({"gitlab-container-registry-version"})
"""Headers of those who began with distribution's source and went their own way."""


def proven(read: Reply, delete: Reply, tag: str) -> Distribution | None:
    """Which distribution a server is proven to be. `read` and `delete`: the answers about a tag that does not exist."""
    if read.status != 404 or error_code(read) != "MANIFEST_UNKNOWN":
        return None
    if any(name.lower() in _OTHERS for name in read.headers):
        return None
    detail = _detail(read)
    if detail == f"unknown tag={tag}" and delete.status == 404 and error_code(delete) == "MANIFEST_UNKNOWN":
        return "3"
    if has_words_of_2_8(read, tag) and delete.status == 400 and error_code(delete) == "DIGEST_INVALID":
        return "2.8"
    return None


def has_words_of_2_8(read: Reply, tag: str) -> bool:
    return read.status == 404 and error_code(read) == "MANIFEST_UNKNOWN" and _detail(read) == {"Tag": tag}


def _detail(reply: Reply) -> Any:
    """The detail of the first error in a reply."""
    try:
        return document(reply)["errors"][0].get("detail")
    except (LookupError, TypeError, AttributeError):
        return None
