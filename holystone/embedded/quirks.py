"""What registries differ in, as data. Those of distribution, zot, Gitea and ggcr answer OCI's conformance suite and a
list of requests as the servers that they are named after (tests/real/test_real_conformance.py, test_real_replay.py)."""

from typing import Final, Literal

import msgspec


class Quirks(msgspec.Struct, frozen=True):
    """The defaults are what the OCI distribution specification 1.1 asks for."""

    # Listings
    pages: bool = True
    """False: `n` and `last` are ignored."""
    page_size: int | None = None
    """Without `n`. None: all that there are."""
    page_size_max: int | None = None
    """A larger `n` is cut to this."""
    sorted_tags: bool = True
    no_tags: Literal["empty", "null"] = "empty"
    """How a repository looks whose tags are all gone."""
    unknown_last: Literal["next", "skips-one", "not-found"] = "next"
    """What follows a `last` that is no tag (any more)."""
    starts_over: bool = False
    """What follows the last tag is the list from its beginning."""
    links: Literal["where-more", "after-full-page", "after-any-page", "nowhere"] = "where-more"
    """Which pages of tags have a `Link`: also one that is filled exactly at the end, or every one with a tag."""
    lenient_numbers: Literal["nowhere", "catalog", "everywhere"] = "nowhere"
    """Where a bad `n` is ignored instead of 400."""
    bare_list_errors: bool = False
    """Errors of tags/list have no body."""
    catalog_page: int | None = None
    catalog_page_max: int | None = None
    """A larger `n` is 400, not cut."""
    catalog_page_cut: int | None = None
    """A larger `n` is cut to this."""
    catalog_link_after_full_page: bool = False
    """A page that is filled exactly at the end still has a `Link`."""
    catalog_unknown_last: Literal["next", "nothing"] = "next"
    """What follows a `last` that is no repository (any more)."""
    catalog_lists_blobs_only: bool = False
    """Repositories to which only blobs were pushed are listed."""
    repository_begins: Literal["tag", "manifest", "blob"] = "tag"
    """With which push a repository has a list of tags, empty or not."""

    # Reading
    strict_accept: Literal["none", "images", "all"] = "none"
    """OCI manifests (`all`: and indexes) are 404 unless `Accept` names their type. Docker lists, by tag, are answered
    with their linux/amd64 child then."""
    insists_on_docker: bool = True
    """A client that does not accept that child either is answered 400."""
    converts_to_schema1: bool = False
    """A Docker manifest, by tag, is rewritten to schema 1 unless `Accept` names its type: another body, and the digest
    of that body."""
    referrers_api: bool = True
    conditions: bool = True
    """False: `If-None-Match` is ignored."""
    absent_tag: Literal["words", "unknown-tag", "document"] = "words"
    """What the answer to a GET of a tag that is not there says beside its code."""
    unknown_repository: Literal["MANIFEST_UNKNOWN", "NAME_UNKNOWN"] = "MANIFEST_UNKNOWN"
    """The code for a manifest of a repository that is not there."""
    malformed_digest_is_a_tag: bool = False
    """What is no digest is taken for a tag, which breaks the storage driver: 500, though what was pushed by it is
    there."""

    finds_blobs_elsewhere: bool = False
    """HEAD of a blob that another repository has makes it this one's, too, and so does a mount, whatever source it
    names."""

    # Writing
    locations: Literal["relative", "absolute", "of-uploads", "as-pushed"] = "relative"
    """`of-uploads`: relative, and none for what is stored. `as-pushed`: relative, a manifest's by its tag if it has got
    one."""
    upload_in_one_post: bool = True
    tracks_uploads: bool = True
    """False: nobody is told how far an upload is, none is cancelled, and one that never began can be ended."""
    checks_content_range: bool = True
    oversized_status: int = 413
    missing_code: Literal["MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"] = (
        "MANIFEST_BLOB_UNKNOWN"
    )
    """Of a manifest whose blobs or children are not there. `BLOB_UNKNOWN`: for children MANIFEST_BLOB_UNKNOWN, and 404
    for both."""
    takes_anything: bool = False
    """Whatever is pushed as a manifest is one, of any type and size; only an index's children are looked for."""
    folds_tags: bool = False
    """Tags are kept, and found, in lower case."""
    nested_indexes: bool = True
    foreign_layers: bool = True
    """False: 500 for a manifest with a layer that is fetched from elsewhere."""
    read_only: bool = False
    """Maintenance mode."""
    sha512: Literal["no", "untagged", "tag-parameter", "digest-parameter"] = "tag-parameter"
    """What can have a digest of that algorithm: blobs only, kept by their sha256 (distribution), what is pushed by its
    digest, or also a tag: by `?tag=` on the digest (the specification's main branch, zot, olareg) or by `?digest=` on
    the tag (older olareg)."""

    # Deleting
    deletion: bool = True
    tags_deletable_when_off: bool = False
    deletes_tags: bool = True
    """False: a tag is no digest, and so 400."""
    overwrite_drops: bool = False
    """A manifest whose last tag is pushed over goes, unless it was pushed by its digest, too."""
    last_tag_drops: bool = False
    """The same for one whose last tag is deleted."""
    blobs_go: bool = False
    """With a manifest that goes, its blobs are out of reach, unless another one has them or they came after it."""
    pins_tagged: bool = True
    """What was pushed by its digest is held by it, whether it has or gets a tag or not."""
    digest_delete_leaves: Literal["nothing", "tags", "dangling-tags"] = "nothing"
    """What stays on a manifest that is deleted by digest: tags that go on serving it, or that are listed and not
    found."""
    protects_children: bool = False
    """A manifest that an index lists cannot be deleted."""
    unknown_repository_on_delete: Literal[
        "MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NAME_UNKNOWN-of-tags", "NAME_UNKNOWN-400"
    ] = "MANIFEST_UNKNOWN"

    # Of the whole server
    allows_header: str = ""
    """A header that it lets pages of other sites send."""
    json_type: str = "application/json"
    """The media type of lists and errors."""
    silent: bool = False
    """Errors say nothing beside their code."""
    router_code: str = ""
    """Of paths and verbs that it does not know. Empty: plain text."""

    # Rights
    lacking_rights_status: Literal[401, 403] = 401

    def without_deletion(self) -> "Quirks":
        """Distribution's own default, and what a pull-through cache looks like: 405 UNSUPPORTED."""
        return msgspec.structs.replace(self, deletion=False)


OCI: Final = Quirks()
DISTRIBUTION_2_8: Final = Quirks(
    pages=False,
    sorted_tags=False,
    no_tags="null",
    lenient_numbers="catalog",
    catalog_page=100,
    catalog_page_max=1000,
    catalog_lists_blobs_only=True,
    strict_accept="all",
    converts_to_schema1=True,
    referrers_api=False,
    absent_tag="document",
    malformed_digest_is_a_tag=True,
    locations="absolute",
    upload_in_one_post=False,
    sha512="no",
    foreign_layers=False,
    checks_content_range=False,
    oversized_status=400,
    deletes_tags=False,
)
DISTRIBUTION_3: Final = Quirks(
    unknown_last="skips-one",
    catalog_page=100,
    catalog_page_max=1000,
    strict_accept="images",
    referrers_api=False,
    absent_tag="unknown-tag",
    malformed_digest_is_a_tag=True,
    locations="absolute",
    upload_in_one_post=False,
    sha512="no",
    foreign_layers=False,
    oversized_status=400,
    tags_deletable_when_off=True,
)
"""3.0.0."""
DISTRIBUTION_3_1: Final = msgspec.structs.replace(
    DISTRIBUTION_3,
    page_size_max=1000,
    unknown_last="next",
    links="after-full-page",
    malformed_digest_is_a_tag=False,
    tags_deletable_when_off=False,
)
"""3.1.2."""
ZOT: Final = Quirks(
    conditions=False,
    lenient_numbers="catalog",
    catalog_link_after_full_page=True,
    catalog_unknown_last="nothing",
    repository_begins="blob",
    unknown_last="not-found",
    bare_list_errors=True,
    overwrite_drops=True,
    pins_tagged=False,
    finds_blobs_elsewhere=True,
    protects_children=True,
    missing_code="MANIFEST_INVALID",
    unknown_repository="NAME_UNKNOWN",
    unknown_repository_on_delete="NAME_UNKNOWN-400",
    allows_header="X-ZOT-API-CLIENT",
    lacking_rights_status=403,
)
"""2.1.2 and later, with Docker's media types allowed."""
GITEA: Final = Quirks(
    lenient_numbers="catalog",
    catalog_page=100,
    catalog_page_cut=100,
    catalog_link_after_full_page=True,
    links="after-any-page",
    repository_begins="blob",
    conditions=False,
    referrers_api=False,
    locations="as-pushed",
    missing_code="BLOB_UNKNOWN",
    folds_tags=True,
    nested_indexes=False,
    overwrite_drops=True,
    last_tag_drops=True,
    blobs_go=True,
    silent=True,
)
"""Each tag, and each digest that was pushed, is a version of its own that holds the manifest and its blobs. By what was
seen on a main of July 2026, and by the source (go-gitea/gitea: routers/api/packages/container)."""
GGCR: Final = Quirks(
    starts_over=True,
    links="nowhere",
    no_tags="null",
    lenient_numbers="catalog",
    repository_begins="manifest",
    conditions=False,
    referrers_api=False,
    unknown_repository="NAME_UNKNOWN",
    locations="of-uploads",
    tracks_uploads=False,
    missing_code="MANIFEST_UNKNOWN",
    takes_anything=True,
    sha512="untagged",
    digest_delete_leaves="tags",
    unknown_repository_on_delete="NAME_UNKNOWN",
    json_type="text/plain; charset=utf-8",
    router_code="METHOD_UNKNOWN",
)
"""0.22.1, `crane registry serve`: each tag is a copy of its manifest."""
