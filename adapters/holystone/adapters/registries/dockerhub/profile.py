"""What docs/registries.md says of Docker Hub."""

from typing import Final

from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import Capabilities, LastTag, ListingFacts, TagDeletion

PROFILE: Final = Profile(
    hosts="docker.io, index.docker.io, registry-1.docker.io, registry.hub.docker.com",
    can=Capabilities(
        implementation="dockerhub",
        # UNCONFIRMED: parts of indexes are pushed without tags and live; of others nothing is said. The careful answer.
        tags=TagDeletion(LastTag("goes-unlisted")),
        # What a deletion by digest does to a tag that is still on the manifest: its documentation says 403, users say
        # that the tag went too (rotki/rotki, issue 12849).
        # Nor could anything take a tombstone away again, and a tag may be immutable.
        digests=None,
        listing=ListingFacts(digests=True, page=100, pulls=True),
    ),
    catalog="GET hub.docker.com/v2/namespaces/NAMESPACE/repositories, by namespace: those that the account may "
    "see. An organization's token needs scope-repository-list, without which private ones are left out "
    "and nothing says so",
    listing="GET hub.docker.com/v2/namespaces/NAMESPACE/repositories/NAME/tags",
    shows="digest (at times null: then looked up by HEAD), times of the last push and the last pull, be it that "
    "of somebody who copies or scans all tags; no manifests without tags",
    deletion="DELETE hub.docker.com/v2/namespaces/NAMESPACE/repositories/NAME/tags/TAG, else the older "
    "/v2/repositories/NAMESPACE/NAME/tags/TAG/; one tag a call. Manifests stay: Docker Hub keeps those without a tag",
    credentials="user and personal access token (Read, Write, Delete) or password, or organization and its token "
    "(scope-repository-read, scope-tag-admin, scope-image-pull), from the options or Docker's configuration; also what "
    "`docker login` gets through the browser, a user with a token whose permission Docker chooses. The user needs the "
    "permission Admin on the repository",
    restore="the journaled manifest is pushed to the tag again; its blobs stay, so at any time. It needs the right to "
    "push "
    "(a token with Write, scope-image-push)",
    limits="per minute, unpublished: X-RateLimit-*, 429 with X-Retry-After as unix time; 429 in plain text against "
    "abuse. Reading a manifest counts as a pull, in the tag's statistics and against the limit; each is read once, as "
    "long "
    "as the cache is kept",
    rules="immutable tags of the repository: read with each listing",
)
