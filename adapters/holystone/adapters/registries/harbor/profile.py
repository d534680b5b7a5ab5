"""What docs/registries.md says of Harbor.

Sources: goharbor/harbor:api/v2.0/swagger.yaml, src/controller/artifact/controller.go, src/common/rbac/.
"""

from typing import Final

from holystone.adapters.registries.profile import Profile
from holystone.engine.model.capabilities import (
    SPARES_ALL,
    Capabilities,
    Cascade,
    DigestDeletion,
    LastTag,
    ListingFacts,
    TagDeletion,
)

RIGHTS: Final = (
    "the role maintainer or project admin in the project; for a robot account the permissions artifact:list, "
    "artifact:delete, tag:delete, repository:pull and project:read (repository:push to undo)"
)
"""artifact:list and repository:pull were found necessary on Harbor 2.15.2; project:read tells a proxy cache."""

PROFILE: Final = Profile(
    hosts="harbor.*, demo.goharbor.io; others say what they are when asked",
    can=Capabilities(
        implementation="harbor",
        tags=TagDeletion(SPARES_ALL),  # src/server/v2.0/handler/artifact.go, DeleteTag
        # One request takes the artifact and all its tags.
        digests=DigestDeletion(tags_first=False, tombstones=LastTag("may-go", takes_attached=False)),
        cascade=Cascade(referrers=True, children=True),  # src/controller/artifact/controller.go, deleteDeeply
        protects_children=True,
        listing=ListingFacts(digests=True, page=100, pulls=True, loose=True),
    ),
    catalog="GET /api/v2.0/projects/PROJECT/repositories: all of a project, with a role in it, or repository:list"
    " of a robot account; of all projects that GET /api/v2.0/projects shows (project:list)",
    listing="GET /api/v2.0/projects/PROJECT/repositories/NAME/artifacts, and GET /v2/PROJECT/NAME/tags/list for the "
    "tags of signatures, which it hides",
    shows="digests, times of push and of the last pull (unless Harbor runs with PULL_TIME_UPDATE_DISABLE, which it "
    "tells nobody), tag immutability, signatures and other accessories",
    deletion="DELETE …/artifacts/DIGEST, which takes all tags, untagged children and referrers; "
    "DELETE …/artifacts/TAG/tags/TAG for a tag whose manifest stays",
    credentials="--repo-harbor-username and --repo-harbor-password, or Docker's configuration: a user, or a robot "
    f"account; {RIGHTS}. The CLI secret of an OIDC user deletes tags only",
    restore="the journaled manifest is pushed again until Harbor's garbage collection has run",
    limits="none published; many deletions at once in one project fail for each other (500 UNKNOWN), so that fewer "
    "are sent then",
    rules="tag immutability rules: shown in the listing; read-only mode and rights: asked before planning. A proxy "
    "cache is refused: it shows upstream's tags, and its own retention policy cleans it. Nor can a project be cleaned "
    "whose policy (content trust, vulnerabilities) forbids to read its images",
)
