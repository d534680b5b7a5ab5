"""Requests to the vendors' own APIs, which only their servers have."""

from typing import Final

from tests.real.replay.requests import IMAGES, Ask, Chapters, delete, get, head, put, referrers, tags

_HARBOR: Final = "/api/v2.0/projects/{project}"
_ARTIFACTS: Final = f"{_HARBOR}/repositories/{{name}}/artifacts"
_ALL: Final = "page_size=100&with_tag=true&with_immutable_status=true&with_accessory=true"


def artifacts(query: str = _ALL) -> Ask:
    return Ask("GET", _ARTIFACTS, query=query)


HARBOR: Final[Chapters] = {
    "harbor: what is not there": (
        Ask("GET", _HARBOR),
        Ask("GET", "/api/v2.0/projects/no-such-project"),
        artifacts(),
        Ask("GET", f"{_HARBOR}/repositories/{{name}}"),
        Ask("GET", f"{_ARTIFACTS}/none"),
        Ask("DELETE", f"{_ARTIFACTS}/none"),
        Ask("DELETE", f"{_ARTIFACTS}/none/tags/none"),
        Ask("DELETE", f"{_ARTIFACTS}/{{absent_image}}"),
        Ask("GET", f"{_HARBOR}/repositories/{{name}}/nothing"),
        Ask("GET", "/api/v2.0/projects/no-such-project/repositories/app/artifacts"),
        artifacts("page_size=101"),
        artifacts("page=0"),
        artifacts("page_size=x"),
    ),
    "harbor: listing": (
        *IMAGES,
        put("oci_a", "a"),
        put("oci_a", "sibling"),
        put("oci_b"),
        put("index", "index"),
        put("docker_a", "docker"),
        put("cosign", "sha256-{hex:oci_a}.sig"),
        put("oci_c", "sha256-{hex:oci_a}.att"),
        put("sbom"),
        artifacts(),
        artifacts(""),
        artifacts("page_size=1&page=2"),
        artifacts("page_size=2&page=1"),
        artifacts("page_size=2&page=9"),
        Ask("GET", f"{_ARTIFACTS}/a", query="with_accessory=true"),
        Ask("GET", f"{_ARTIFACTS}/{{oci_b}}"),
        Ask("GET", f"{_ARTIFACTS}/{{cosign}}"),
        Ask("GET", f"{_HARBOR}/repositories/{{name}}"),
        referrers("oci_a"),
        tags(),
    ),
    "harbor: deleting": (
        *IMAGES,
        put("oci_a", "a"),
        put("oci_a", "sibling"),
        put("oci_b"),
        put("two", "release"),
        put("docker_a", "docker"),
        put("cosign", "sha256-{hex:docker_a}.sig"),
        put("oci_c", "sha256-{hex:docker_a}.att"),
        Ask("DELETE", f"{_ARTIFACTS}/a/tags/a"),
        head("{oci_a}"),
        Ask("DELETE", f"{_ARTIFACTS}/sibling/tags/none"),
        Ask("DELETE", f"{_ARTIFACTS}/{{oci_a}}"),
        Ask("DELETE", f"{_ARTIFACTS}/{{oci_b}}"),
        delete("{oci_b}"),
        delete("sibling"),
        Ask("DELETE", f"{_ARTIFACTS}/{{oci_a}}/tags/sibling"),
        head("{oci_a}"),
        get("release"),
        Ask("DELETE", f"{_ARTIFACTS}/{{two}}"),
        head("{two}"),
        head("{oci_a}"),
        head("{oci_b}"),
        artifacts(),
        Ask("DELETE", f"{_ARTIFACTS}/docker"),
        head("{cosign}"),
        head("sha256-{hex:docker_a}.sig"),
        head("sha256-{hex:docker_a}.att"),
        artifacts(),
        tags(),
        put("two", "release", setting=False),
        put("oci_a", setting=False),
        put("oci_b", setting=False),
        put("two", "release", setting=False),
        put("docker_a", "docker", setting=False),
        put("cosign", "sha256-{hex:docker_a}.sig", setting=False),
        artifacts(),
        delete("{two}"),
        artifacts(),
    ),
    "harbor: accessories": (
        *IMAGES,
        put("oci_a", "a"),
        put("sbom", setting=False),
        put("signature", "signed", setting=False),
        put("about_signature", setting=False),
        artifacts(),
        referrers("oci_a"),
        Ask("DELETE", f"{_ARTIFACTS}/{{sbom}}"),
        artifacts(),
        Ask("DELETE", f"{_ARTIFACTS}/{{oci_a}}"),
        head("{signature}"),
        head("signed"),
        head("{about_signature}"),
        artifacts(),
        put("signature", setting=False),
        artifacts(),
        put("oci_a", "a", setting=False),
        artifacts(),
    ),
}

_QUAY: Final = "/api/v1/repository/{repo}"
_RESTORE: Final = {"Content-Type": "application/json"}


def history(query: str = "limit=100&onlyActiveTags=true") -> Ask:
    return Ask("GET", f"{_QUAY}/tag/", query=query)


def restore(tag: str, document: str) -> Ask:
    return Ask("POST", f"{_QUAY}/tag/{tag}/restore", document, headers=_RESTORE)


QUAY: Final[Chapters] = {
    "quay: what is not there": (
        Ask("GET", _QUAY),
        history(),
        Ask("DELETE", f"{_QUAY}/tag/none"),
        restore("none", "restoring_a"),
        Ask("GET", f"{_QUAY}/nothing"),
    ),
    "quay: listing": (
        *IMAGES,
        put("oci_a", "a"),
        put("oci_a", "sibling"),
        put("oci_b"),
        put("index", "index"),
        put("docker_a", "docker"),
        put("sbom"),
        Ask("GET", _QUAY, query="includeTags=false"),
        history(),
        history("limit=2&page=1&onlyActiveTags=true"),
        history("limit=2&page=9&onlyActiveTags=true"),
        history("limit=0&onlyActiveTags=true"),
        history("limit=1000&onlyActiveTags=true"),
        put("oci_b", "a"),
        history(),
        history("limit=100"),
    ),
    "quay: deleting and restoring": (
        *IMAGES,
        put("oci_a", "a"),
        put("oci_a", "sibling"),
        put("oci_b", "b"),
        put("two", "release"),
        put("docker_a", "docker"),
        Ask("DELETE", f"{_QUAY}/tag/a"),
        Ask("DELETE", f"{_QUAY}/tag/a"),
        get("a"),
        head("a"),
        head("{oci_a}"),
        delete("a"),
        delete("docker"),
        head("{docker_a}"),
        delete("{docker_a}"),
        history(),
        history("limit=100"),
        restore("docker", "restoring_docker_a"),
        head("docker"),
        restore("a", "restoring_a"),
        restore("fresh", "restoring_b"),
        restore("none", "restoring_absent"),
        restore("none", "braces"),
        history(),
        delete("{two}"),
        head("{two}"),
        delete("b"),
        delete("fresh"),
        head("{oci_b}"),
        restore("release", "restoring_two"),
        head("{two}"),
        history(),
        tags(),
    ),
}

_GITLAB: Final = "/gitlab/v1/repositories/{repo}/tags/list/"


def rows(query: str = "n=1000&referrers=true") -> Ask:
    return Ask("GET", _GITLAB, query=query)


GITLAB: Final[Chapters] = {
    "gitlab: what is not there": (
        Ask("GET", "/gitlab/v1/"),
        rows(),
        Ask("GET", "/gitlab/v1/repositories/{repo}/tags/list"),
        Ask("GET", "/gitlab/v1/repositories/{repo}/nothing/"),
        Ask("DELETE", "/v2/{repo}/tags/reference/none"),
    ),
    "gitlab: listing": (
        *IMAGES,
        *(put("oci_a", name) for name in ("t3", "t1", "B", "t5")),
        put("oci_b"),
        put("index", "index"),
        put("docker_a", "docker"),
        put("signature", setting=False),
        rows(),
        rows("n=2"),
        rows("n=2&last=index"),
        rows("n=2&last=t5"),
        rows("last=nothing&n=3"),
        rows("n=0"),
        rows("n=1001"),
        rows("n=x"),
        rows("last=a%20b"),
        rows("before=t3&n=2"),
        rows("before=t3&last=t1"),
        delete("t3"),
        rows(),
        delete("{docker_a}"),
        rows(),
        delete("{oci_a}"),
        rows(),
        Ask("DELETE", "/v2/{repo}/tags/reference/t1"),
    ),
}
