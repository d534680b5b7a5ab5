"""Which credential is shown to GitLab's token server, and what a person is told if it may not delete."""

from typing import Final

from holystone.adapters.credentials.credential import Anonymous, Credential, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.gitlab.rights import GrantedRights
from holystone.engine.model.references import Repository

# docs.gitlab.com/ci/variables/predefined_variables. The second pair is there if the project has a deploy token named
# gitlab-deploy-token: it may read where a job token may not, and never delete.
_PIPELINE: Final = (("CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"), ("CI_DEPLOY_USER", "CI_DEPLOY_PASSWORD"))


def choose(endpoint: Endpoint) -> Credential:
    """Docker's configuration, then the variables of a GitLab pipeline if they are about this registry, then the token
    for the API, which the token server takes as the password of anybody (docs.gitlab.com, Authenticate with the
    container registry)."""
    if not isinstance(endpoint.docker, Anonymous):
        return endpoint.docker
    ours = endpoint.environ.get("CI_REGISTRY", "").strip().lower() == endpoint.host
    for user, password in _PIPELINE if ours else ():
        if endpoint.environ.get(user) and endpoint.environ.get(password):
            return UserPassword(endpoint.environ[user], Secret(endpoint.environ[password]), f"{user} and {password}")
    if isinstance(endpoint.login, RegistryToken):
        return UserPassword("token", endpoint.login.token, endpoint.login.origin)
    return endpoint.docker


def lacking(credential: Credential, repository: Repository, rights: GrantedRights, by_api: str = "") -> str:
    """Says what a credential lacks, by its kind. `by_api`: why the API does not help, where it was asked. Who may do
    what according to app/policies/project_policy.rb and app/services/auth/container_registry_authentication_service.rb
    of gitlab-org/gitlab."""
    given = ", ".join(sorted(rights.actions)) or "nothing"
    who = credential.username if isinstance(credential, UserPassword) else ""
    if by_api:
        advice = f"and {by_api}"
    elif isinstance(credential, Anonymous):
        advice = "log in as a member with the role Maintainer or Owner"
    elif who == "gitlab-ci-token":
        advice = "a job token deletes only in the project that its pipeline belongs to"
    elif who.startswith("gitlab+deploy-token") or "CI_DEPLOY" in credential.origin:
        advice = "a deploy token never may; use an access token with the role Maintainer or Owner and the scope api"
    else:
        advice = (
            "it needs the role Maintainer or Owner in the project, and an access token also the scope api; "
            "a deploy token never may. A Developer may delete tags by GitLab's API v4: give an access token with the "
            "scope api in --repo-gitlab-token (where the host's name does not say that it is GitLab's, "
            "with --repo-implementation gitlab and --repo-api-url)"
        )
    return f"GitLab grants {described(credential)} {given} and not delete in {repository}: {advice}"
