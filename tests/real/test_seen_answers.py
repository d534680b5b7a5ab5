"""What real servers answered to the replayed requests and nobody would have guessed, held on what plays them also where
no server is there."""

from typing import Final

import pytest

from tests.real.replay.counterparts import COUNTERPARTS
from tests.real.replay.replaying import Replaying, connected

SEEN: Final = (
    # Harbor 2.15.2
    ("harbor", "harbor: deleting", "PUT /v2/{repo}/manifests/release < two #2", "status 404, code NOT_FOUND"),
    ("harbor", "harbor: deleting", "DELETE /v2/{repo}/manifests/sibling", "status 400, code UNSUPPORTED"),
    ("harbor", "pages", "GET /v2/{repo}/tags/list?n=2", 'Link </v2/REPO/tags/list?last=a-b&n=2>; rel="next"'),
    ("harbor", "pages", "GET /v2/{repo}/tags/list", "Link –, order sorted"),
    ("harbor", "referrers", "GET /v2/{repo}/referrers/a", "status 400, code BAD_REQUEST"),
    # Quay of 2026-08
    ("quay", "cosign's tags", "HEAD /v2/{repo}/manifests/sha256-{hex:oci_a}.sig #2", "status 404"),
    (
        "quay",
        "what is refused",
        "PUT /v2/{repo}/manifests/refused < without_layer",
        "status 400, code MANIFEST_INVALID",
    ),
    ("quay", "referrers", "GET /v2/{repo}/referrers/{oci_a}", "status 400, code MANIFEST_INVALID"),
    ("quay", "a subject that goes", "HEAD /v2/{repo}/manifests/{sbom}", "status 200"),
    ("quay", "overwriting what an index needs", "HEAD /v2/{repo}/manifests/{oci_d}", "status 404"),
    ("quay", "overwriting what an index needs", "HEAD /v2/{repo}/manifests/{oci_c}", "status 200"),
    # GitLab 4.32
    (
        "gitlab-database",
        "a subject that is not there",
        "PUT /v2/{repo}/manifests/{about_absent} < about_absent",
        "status 400, code MANIFEST_BLOB_UNKNOWN",
    ),
    (
        "gitlab",
        "a subject that is not there",
        "PUT /v2/{repo}/manifests/orphan < about_absent",
        "status 400, code MANIFEST_BLOB_UNKNOWN",
    ),
    ("gitlab-database", "a subject that goes", "DELETE /v2/{repo}/manifests/{oci_a}", "status 500, code UNKNOWN"),
    ("gitlab-database", "a subject that goes", "HEAD /v2/{repo}/manifests/signed", "status 200"),
    (
        "gitlab-database",
        "deleting what an index needs",
        "DELETE /v2/{repo}/manifests/{oci_b}",
        "status 409, code MANIFEST_REFERENCED",
    ),
    ("gitlab", "oci images", "GET /v2/{repo}/manifests/{oci_a}", "status 404, code MANIFEST_UNKNOWN"),
    # zot 2.1
    ("zot-minimal", "overwriting what an index needs", "HEAD /v2/{repo}/manifests/{oci_a}", "status 404"),
    ("zot-minimal", "overwriting what an index needs", "HEAD /v2/{repo}/manifests/{oci_c}", "status 404"),
    ("zot-minimal", "deleting tags", "HEAD /v2/{repo}/manifests/{oci_b}", "status 200"),
    ("zot-minimal", "put back", "PUT /v2/{repo}/manifests/release < two #2", "status 400, code MANIFEST_INVALID"),
    # ggcr 0.22.1
    ("ggcr", "pages", "GET /v2/{repo}/tags/list?n=2", "status 200, tags B a-b, Link –"),
    ("ggcr", "pages", "GET /v2/{repo}/tags/list?n=3&last=zzz", "tags B a-b a.b, Link –"),
    ("ggcr", "deleting digests", "GET /v2/{repo}/manifests/sibling", "status 200"),
    ("ggcr", "deleting tags", "GET /v2/{repo}/tags/list #2", "tags null"),
    ("ggcr", "what is not there", "PUT /v2/{repo}/manifests/none < absent_image", "status 201, Location –"),
    ("ggcr", "what is refused", "PUT /v2/{repo}/manifests/refused < no_json", "status 201"),
    ("ggcr", "put back", "PUT /v2/{repo}/manifests/release < two #2", "status 404, code MANIFEST_UNKNOWN"),
    ("ggcr", "referrers", "GET /v2/{repo}/referrers/{oci_a}", "status 404, code METHOD_UNKNOWN"),
    # Gitea of July 2026, asked by hand
    ("gitea", "deleting tags", "HEAD /v2/{repo}/manifests/{oci_b}", "status 404"),
    ("gitea", "deleting tags", "HEAD /v2/{repo}/blobs/{config_b}", "status 404"),
    ("gitea", "deleting tags", "PUT /v2/{repo}/manifests/alone < oci_b #2", "status 404, code BLOB_UNKNOWN"),
    ("gitea", "deleting tags", "HEAD /v2/{repo}/manifests/{oci_c}", "status 200"),
    ("gitea", "deleting digests", "PUT /v2/{repo}/manifests/a < oci_a #2", "status 404, code BLOB_UNKNOWN"),
    ("gitea", "overwriting", "HEAD /v2/{repo}/manifests/{docker_a}", "status 404"),
    ("gitea", "overwriting what an index needs", "HEAD /v2/{repo}/manifests/{oci_a}", "status 404"),
    ("gitea", "put back", "PUT /v2/{repo}/manifests/release < two #2", "status 404, code MANIFEST_BLOB_UNKNOWN"),
    ("gitea", "oci images", "PUT /v2/{repo}/manifests/nested < nested", "status 400, code MANIFEST_INVALID"),
    ("gitea", "pages", "GET /v2/{repo}/tags/list?n=9", 'Link </v2/REPO/tags/list?last=t5&n=9>; rel="next"'),
    ("gitea", "referrers", "GET /v2/{repo}/referrers/{oci_a}", "status 404, code –"),
    # distribution 2.8.2 and 3.1.2
    ("docker-registry", "a tombstone", "HEAD /v2/{repo}/manifests/{docker_a}", "status 200"),
    ("docker-registry", "a tombstone", "DELETE /v2/{repo}/manifests/v1", "status 400, code DIGEST_INVALID"),
    ("distribution", "deleting tags", "HEAD /v2/{repo}/manifests/{oci_b}", "status 200"),
)


@pytest.mark.parametrize(("name", "chapter", "request_", "said"), SEEN, ids=[f"model_of_{each[0]}" for each in SEEN])
async def test_it_was_seen(name: str, chapter: str, request_: str, said: str) -> None:
    counterpart = COUNTERPARTS[name]
    async with counterpart.made() as model, connected() as session:
        side = counterpart.side(model)
        told = await Replaying(session, side, f"{side.account}/app").run(counterpart.chapters[chapter])
    facts = {line.replace(" (Accept: any)", ""): found for line, found in told}[request_]
    for each in said.split(", "):
        fact, _, value = each.partition(" ")
        assert facts.get(fact, "–") == value, facts
