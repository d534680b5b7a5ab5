"""A Kubernetes API server, as far as lists go: real HTTP(S) on loopback, pages, rights and their absence.

Replies: kubernetes.io, "Kubernetes API Concepts"; k8s.io/apimachinery `metav1.Status`.
"""

import asyncio
import base64
import json
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

_GROUPS: Final = {
    "pods": "/api/v1",
    "replicationcontrollers": "/api/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "daemonsets": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "cronjobs": "/apis/batch/v1",
}
_KINDS: Final = {
    "pods": "Pod",
    "replicationcontrollers": "ReplicationController",
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "replicasets": "ReplicaSet",
    "jobs": "Job",
    "cronjobs": "CronJob",
}


@dataclass(frozen=True)
class Asked:
    path: str
    query: Mapping[str, str]
    authorization: str
    user: str
    """Empty for nobody."""


@dataclass
class KubeApi:
    """An async context manager. Change its fields as a test goes on."""

    tls: ssl.SSLContext | None = None
    tokens: dict[str, str] = field(default_factory=lambda: {"good-token": "rob"})
    """Bearer tokens, or whole `Basic …` headers → users."""
    certified: Collection[str] = ("rob",)
    """Users that a certificate may name."""
    anonymous: bool = False
    """Everybody may list."""
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    """Plural and namespace (empty: all) that nobody may list."""
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By plural."""
    groups: dict[str, str] = field(default_factory=lambda: dict(_GROUPS))
    page: int = 500
    """At most so many objects, whatever the limit says."""
    expire: int = 0
    """So many `continue` tokens are answered by 410."""
    slow: float = 0.0
    """Seconds before every reply."""
    cut: dict[str, int] = field(default_factory=dict)
    """By plural: so many replies break off in the middle."""
    answers: dict[str, list[web.Response]] = field(default_factory=dict)
    """By plural: what is answered instead, in turn."""
    asked: list[Asked] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        self._port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._port}"

    def run(self, plural: str, name: str, *images: str, namespace: str = "default", **more: Any) -> None:
        """Puts an object there whose containers have these images; `more`: fields of the pod's spec."""
        spec: dict[str, Any] = {"containers": [{"name": str(n), "image": i} for n, i in enumerate(images)], **more}
        if plural != "pods":
            spec = {"replicas": 1, "template": {"metadata": {"labels": {}}, "spec": spec}}
        if plural == "cronjobs":
            spec = {"schedule": "@daily", "jobTemplate": {"spec": spec}}
        self.add(plural, {"metadata": {"name": name, "namespace": namespace, "uid": "1"}, "spec": spec})

    def add(self, plural: str, thing: dict[str, Any]) -> None:
        self.objects.setdefault(plural, []).append(thing)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        reply = await self._whole(request)
        plural = _parsed(request.path)[2]
        if self.cut.get(plural):
            self.cut[plural] -= 1
            return await _half(request, reply)
        return reply

    async def _whole(self, request: web.Request) -> web.Response:
        user = self._user(request)
        self.asked.append(Asked(request.path, dict(request.query), request.headers.get("Authorization", ""), user))
        if self.slow:
            await asyncio.sleep(self.slow)
        group, namespace, plural = _parsed(request.path)
        if self.answers.get(plural):
            return self.answers[plural].pop(0)
        if not user and not self.anonymous:
            return status(401, "Unauthorized", "Unauthorized")
        if self.groups.get(plural) != group:
            return status(404, "NotFound", "the server could not find the requested resource")
        if (plural, namespace) in self.forbidden:
            where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
            what = f'cannot list resource "{plural}" in API group "" {where}'
            return status(403, "Forbidden", f'{plural} is forbidden: User "{user}" {what}')
        return self._list(plural, namespace, request.query)

    def _list(self, plural: str, namespace: str, query: Mapping[str, str]) -> web.Response:
        found = [
            each
            for each in self.objects.get(plural, [])
            if not namespace or each.get("metadata", {}).get("namespace") == namespace
        ]
        start = 0
        if after := query.get("continue"):
            if self.expire:
                self.expire -= 1
                return status(410, "Expired", "The provided continue parameter is too old", {"continue": "abc"})
            start = json.loads(base64.b64decode(after))["start"]
        end = start + min(int(query.get("limit", "0")) or self.page, self.page)
        metadata: dict[str, Any] = {"resourceVersion": "42"}
        if end < len(found):
            metadata["continue"] = base64.b64encode(json.dumps({"rv": 42, "start": end}).encode()).decode()
            metadata["remainingItemCount"] = len(found) - end
        kind = f"{_KINDS[plural]}List"
        items = found[start:end] or None  # as Go writes an empty list
        return web.json_response({"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": items})

    def _user(self, request: web.Request) -> str:
        words = request.headers.get("Authorization", "")
        if words:
            return self.tokens.get(words.removeprefix("Bearer "), "")
        shown = request.transport.get_extra_info("peercert") if request.transport else None
        subject = dict(pair for part in (shown or {}).get("subject", ()) for pair in part)
        name = subject.get("commonName", "")
        return name if name in self.certified else ""


async def _half(request: web.Request, reply: web.Response) -> web.StreamResponse:
    assert isinstance(reply.body, bytes)
    stream = web.StreamResponse(status=reply.status, headers={"Content-Length": str(len(reply.body))})
    await stream.prepare(request)
    await stream.write(reply.body[: len(reply.body) // 2])
    if request.transport:
        request.transport.close()
    return stream


def _parsed(path: str) -> tuple[str, str, str]:
    """Group, namespace and plural."""
    before, _, plural = path.rpartition("/")
    group, _, namespace = before.partition("/namespaces/")
    return group, namespace, plural


def status(code: int, reason: str, message: str, metadata: Mapping[str, Any] | None = None) -> web.Response:
    headers = {"Retry-After": "0"} if code == 429 else None
    return web.json_response(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata or {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        },
        status=code,
        headers=headers,
    )
