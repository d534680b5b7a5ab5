"""The old Docker registry of a GitHub Enterprise Server: GraphQL, where each tag is a version.

After github/docs ("Deleting a package" of Enterprise Server 3) and werf/werf:pkg/docker_registry of branch 1.1.
"""

import base64
from typing import Any, Final

import msgspec

from holystone.embedded.errors import ErrorReply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.storage import RepositoryState
from tests.emulators.github import GithubEmulator, Token

_BASE_LAYER: Final = "docker-base-layer"
_PAGE: Final = 100


class _Query(msgspec.Struct):
    query: str
    variables: dict[str, Any]


class GithubDockerEmulator(GithubEmulator):
    """`migrated`: GraphQL no longer shows the images, and they can be pulled all the same. `blind`: deletions are
    answered as if the version were not there."""

    path = "acme/shop/app"

    def __init__(self) -> None:
        super().__init__()
        self.migrated = False
        self.blind = False
        self.limited = 0
        """How many of the next operations GraphQL's own limit refuses."""

    def respond(self, request: Incoming, path: str, token: Token) -> Reply:
        if (request.method, path) not in (("POST", "/graphql"), ("POST", "/api/graphql")):
            return super().respond(request, path, token)
        asked = msgspec.json.decode(request.body, type=_Query)
        if self.limited:
            self.limited -= 1
            return _errors("RATE_LIMITED", "API rate limit exceeded for user ID 1.")
        try:
            if "deletePackageVersion" in asked.query:
                return self._delete(asked, token, request.headers.get("Accept", ""))
            return self._list_versions(asked, token)
        except ErrorReply as refused:
            return refused.reply

    def _list_versions(self, asked: _Query, token: Token) -> Reply:
        if token.scopes is None or not {"read:packages", "repo"} <= token.scopes:
            return _errors("INSUFFICIENT_SCOPES", "Your token has not been granted the required scopes.")
        variables = asked.variables
        name = f"{variables['owner']}/{variables['name']}/{variables['package']}"
        if name in self.hidden:
            return _errors("NOT_FOUND", "Could not resolve to a Repository.", {"repository": None})
        state = self.storage.repositories.get(name)
        if state is None or self.migrated:
            return json_reply({"data": {"repository": {"packages": {"nodes": []}}}})
        versions = [_BASE_LAYER, *sorted(state.tags)]
        start = int(variables["after"] or "0")
        shown = versions[start : start + _PAGE]
        end = start + len(shown)
        page = {"hasNextPage": end < len(versions), "endCursor": str(end)}
        nodes = [{"id": _id(name, each), "version": each} for each in shown]
        node: dict[str, Any] = {"versions": {"nodes": nodes, "pageInfo": page}}
        return json_reply({"data": {"repository": {"packages": {"nodes": [node]}}}})

    def _delete(self, asked: _Query, token: Token, accept: str) -> Reply:
        if "package-deletes-preview" not in accept:
            return _errors("undefinedField", "Field 'deletePackageVersion' doesn't exist on type 'Mutation'")
        if token.scopes is None or not {"delete:packages", "repo"} <= token.scopes:
            return _errors("INSUFFICIENT_SCOPES", "Your token has not been granted the required scopes.")
        name, _, tag = base64.b64decode(asked.variables["input"]["packageVersionId"]).decode().partition(":")
        state = self.storage.repositories.get(name)
        if self.blind or state is None or tag not in state.tags:
            return _undeleted("NOT_FOUND", "Could not resolve to a node with the global id.")
        if self.public and self._popular(name, state, tag):
            return _undeleted("UNPROCESSABLE", "Package versions with more than 5000 downloads cannot be deleted.")
        digest = state.tags.pop(tag)
        if not state.tags_of(digest):
            self.storage.delete_manifest(name, digest)
        return json_reply({"data": {"deletePackageVersion": {"success": True}}})

    def _popular(self, name: str, state: RepositoryState, tag: str) -> bool:
        return self._current(name).active[state.tags[tag]].downloads > 5000


def _id(name: str, tag: str) -> str:
    return base64.b64encode(f"{name}:{tag}".encode()).decode()


def _undeleted(kind: str, message: str) -> Reply:
    return _errors(kind, message, {"deletePackageVersion": None})


def _errors(kind: str, message: str, data: object = None) -> Reply:
    return json_reply({"data": data, "errors": [{"type": kind, "message": message}]})
