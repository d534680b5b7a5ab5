"""Which credential is shown to GitLab's token server, and what a person is told if it may not delete."""

from typing import Final

from holystone.adapters.credentials.credential import Anonymous, Credential, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.gitlab.rights import Rights
from holystone.adapters.registries.site import Site
from holystone.engine.model.references import Repository

# docs.gitlab.com/ci/variables/predefined_variables. The second pair is there if the project has a deploy token named
# gitlab-deploy-token: it may read where a job token may not, and never delete.
_PIPELINE: Final = (("CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"), ("CI_DEPLOY_USER", "CI_DEPLOY_PASSWORD"))


def choose(site: Site) -> Credential:
    """Docker's configuration, then the variables of a GitLab pipeline if they are about this registry."""
    if site.login is not None:
        return site.login
    if not isinstance(site.docker, Anonymous):
        return site.docker
    ours = site.environ.get("CI_REGISTRY", "").strip().lower() == site.host
    for user, password in _PIPELINE if ours else ():
        if site.environ.get(user) and site.environ.get(password):
            return UserPassword(site.environ[user], Secret(site.environ[password]), f"{user} and {password}")
    return site.docker


def lacking(credential: Credential, repository: Repository, rights: Rights) -> str:
    """Who may do what according to app/policies/project_policy.rb and
    app/services/auth/container_registry_authentication_service.rb of gitlab-org/gitlab."""
    given = ", ".join(sorted(rights.actions)) or "nothing"
    who = credential.username if isinstance(credential, UserPassword) else ""
    if isinstance(credential, Anonymous):
        advice = "log in as a member with the role Maintainer or Owner"
    elif who == "gitlab-ci-token":
        advice = "a job token deletes only in the project that its pipeline belongs to"
    elif who.startswith("gitlab+deploy-token") or "CI_DEPLOY" in credential.origin:
        advice = "a deploy token never may; use an access token with the role Maintainer or Owner and the scope api"
    else:
        advice = (
            "it needs the role Maintainer or Owner in the project, and an access token also the scope api; "
            "a deploy token never may. A Developer may delete single tags by GitLab's API v4 alone, which Holystone "
            "does not use"
        )
    return f"GitLab grants {described(credential)} {given} and not delete in {repository}: {advice}"
