"""What docs/registries.md says of GitLab's registry."""

from typing import Final

from holystone.adapters.registries.gitlab.probe import capabilities
from holystone.adapters.registries.profile import Profile

PROFILE: Final = Profile(
    hosts="registry.gitlab.com, gitlab.com; self-managed ones say what they are when asked",
    can=capabilities("manifests", database=True, by_digest=True),
    catalog="GET /api/v4/groups/GROUP/registry/repositories, with all below it, or /projects/…, by group or "
    "project: all, with an access token (--repo-gitlab-token) with read_api and the role Reporter; "
    "without one GET /v2/_catalog, which only administrators may",
    listing="GET /gitlab/v1/repositories/NAME/tags/list/ with the metadata database, GET /v2/NAME/tags/list without",
    shows="digest, type, configuration, size, push time and referrers of each tag; without the database nothing",
    deletion="DELETE /v2/NAME/manifests/TAG, on old servers /v2/NAME/tags/reference/TAG; by digest where tags cannot "
    "be deleted, and without the database; for a Developer DELETE /api/v4/projects/…/tags/TAG",
    credentials="Docker's configuration, or CI_REGISTRY_USER and CI_REGISTRY_PASSWORD (CI_DEPLOY_USER, "
    "CI_DEPLOY_PASSWORD) of a pipeline: role Maintainer or Owner with the scope api, or the job token of the same "
    "project; or, for a Developer, an access token with the scope api in --repo-gitlab-token; a deploy token never "
    "deletes",
    restore="the journaled manifest is pushed again: with the database for about a day, without it until the "
    "administrator's garbage collection",
    limits="none published for the registry; 429 with the text `Retry later`; after 30 wrong logins in 3 minutes the "
    "token server is closed for an hour, so the first one ends the run",
    rules="protected and immutable tags: read from the token before planning",
)
