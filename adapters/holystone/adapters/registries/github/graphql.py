"""The two GraphQL operations of the old Docker registry, where a version is a tag.

Sources: github/docs, "Deleting a package" of Enterprise Server 3 (mutation, preview and scopes) and the GraphQL
reference of `Repository.packages`; werf/werf:pkg/docker_registry/github_packages_graphql_api.go.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.paging import PageGuard
from holystone.adapters.http.reply import printable
from holystone.adapters.registries.github.addresses import docker_package_of
from holystone.adapters.registries.github.api import GithubApi, decoded
from holystone.adapters.registries.github.replies import forbidden, rule_in
from holystone.engine.errors import IncompleteSource, RegistryFailure, Unauthorized
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Locked, Outcome
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag

_LIST: Final = """query($owner: String!, $name: String!, $package: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    packages(first: 1, names: [$package], packageType: DOCKER) {
      nodes { versions(first: 100, after: $after) { nodes { id version } pageInfo { hasNextPage endCursor } } }
    }
  }
}"""
_DELETE: Final = "mutation($input: DeletePackageVersionInput!) { deletePackageVersion(input: $input) { success } }"
"""`packageVersionId` is an `ID!` in the schema of today and was a `String!` to clients of 2020, and a variable has to
have the very type. The name of the whole input's type is the same in both."""
_BASE_LAYER: Final = "docker-base-layer"
"""A version that is none: the registry kept layers in it (actions/delete-package-versions#24)."""
_LIST_PREVIEW: Final = "application/vnd.github.packages-preview+json"
_DELETE_PREVIEW: Final = "application/vnd.github.package-deletes-preview+json"


class _Error(msgspec.Struct):
    message: str = ""
    type: str = ""


class _Version(msgspec.Struct):
    id: str
    version: str


class _PageInfo(msgspec.Struct):
    hasNextPage: bool
    endCursor: str | None = None


class _Versions(msgspec.Struct):
    nodes: list[_Version]
    pageInfo: _PageInfo


class _Package(msgspec.Struct):
    versions: _Versions


class _Packages(msgspec.Struct):
    nodes: list[_Package]


class _GitRepository(msgspec.Struct):
    packages: _Packages


class _ListData(msgspec.Struct):
    repository: _GitRepository | None = None


class _Listed(msgspec.Struct):
    data: _ListData | None = None
    errors: list[_Error] = []


class _Success(msgspec.Struct):
    success: bool | None = None


class _DeleteData(msgspec.Struct):
    deletePackageVersion: _Success | None = None


class _Deletion(msgspec.Struct):
    data: _DeleteData | None = None
    errors: list[_Error] = []


class Found(NamedTuple):
    tags: dict[Tag, str]
    """With the id of the version."""
    untagged: list[Digest]
    odd: list[str]
    """Names that are neither tags nor digests."""


async def find_versions(api: GithubApi, repository: Repository) -> Found | None:
    """The versions of a package; None if GraphQL shows no such one. Raises Unauthorized, IncompleteSource, and
    UsageError for an address that is no package's."""
    owner, name, package = docker_package_of(repository)
    found = Found({}, [], [])
    guard = PageGuard(str(repository))
    after: str | None = None
    while True:
        guard.admit(after or "")
        try:
            reply = await api.query(_LIST, _LIST_PREVIEW, owner=owner, name=name, package=package, after=after)
        except RegistryFailure as error:  # a POST that only reads
            raise IncompleteSource(error.message, what_to_do=error.what_to_do) from error
        if reply.status != 200:
            raise api.unreadable(f"The versions of {repository}", reply)
        listed: _Listed = decoded(reply, _Listed, f"The versions of {repository}")
        if listed.errors or listed.data is None or listed.data.repository is None:
            raise _refused(api, repository, listed.errors)
        packages = listed.data.repository.packages.nodes
        if not packages and guard.pages > 1:
            raise IncompleteSource(f"The package {repository} vanished while its versions were listed.")
        if not packages:
            return None
        versions = packages[0].versions
        guard.take(len(versions.nodes))
        for each in versions.nodes:
            _sort(each, found)
        if not versions.pageInfo.hasNextPage:
            return found
        after = versions.pageInfo.endCursor or ""


async def delete_version(api: GithubApi, number: str) -> Outcome:
    """AlreadyGone also stands for what the token must not see. Raises what a request raises."""
    reply = await api.query(_DELETE, _DELETE_PREVIEW, writes=True, input={"packageVersionId": number})
    if reply.status in (401, 403):
        return forbidden(api.who, summary(reply))
    if reply.status != 200:
        return Failed(summary(reply))
    answer: _Deletion = decoded(reply, _Deletion, "What came of the deletion")
    done = answer.data and answer.data.deletePackageVersion
    if done and done.success:
        return Deleted()
    error = answer.errors[0] if answer.errors else _Error("GitHub did not delete it and does not say why")
    if rule := rule_in(error.message.encode()):
        return Locked(rule)
    match error.type:
        case "FORBIDDEN" | "INSUFFICIENT_SCOPES":
            return forbidden(api.who, printable(error.message))
        case "NOT_FOUND":
            return AlreadyGone()
        case _:
            return Failed(printable(error.message))


def _refused(api: GithubApi, repository: Repository, errors: Sequence[_Error]) -> Unauthorized:
    said = printable("; ".join(error.message for error in errors)) or "no such git repository"
    return Unauthorized(
        f"The versions of {repository} cannot be read with {api.who}: {said}.",
        what_to_do="The token needs the scopes read:packages and repo, and access to the git repository.",
    )


def _sort(each: _Version, found: Found) -> None:
    try:
        if ":" in each.version:
            found.untagged.append(Digest.parse(each.version))
        elif each.version != _BASE_LAYER:
            found.tags[Tag.parse(each.version)] = each.id
    except InvalidName:
        found.odd.append(each.version)
