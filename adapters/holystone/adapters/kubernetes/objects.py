"""What has to be known of the API's objects: images, and whose they are. Every other field is skipped unread.

Fields: kubernetes.io, API reference, "Pod v1 core" and its kin.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Metadata(msgspec.Struct):
    name: str
    namespace: str = ""


class ListMetadata(msgspec.Struct):
    after: str = msgspec.field(name="continue", default="")
    """Where the next page begins; empty on the last one."""


class Page(msgspec.Struct, Generic[T]):
    kind: str
    metadata: ListMetadata
    items: list[T] | None
    """Go writes null for an empty list."""


class _Container(msgspec.Struct):
    image: str = ""
    """May be left out of a template, for a controller to fill in."""


class _Artifact(msgspec.Struct):
    reference: str = ""


class _Volume(msgspec.Struct):
    image: _Artifact | None = None
    """An image that is mounted, not run (since Kubernetes 1.31)."""


class _PodSpec(msgspec.Struct):
    containers: list[_Container] | None
    initContainers: list[_Container] | None = None
    ephemeralContainers: list[_Container] | None = None
    volumes: list[_Volume] | None = None


class _ContainerStatus(msgspec.Struct):
    imageID: str = ""


class _PodStatus(msgspec.Struct):
    containerStatuses: list[_ContainerStatus] | None = None
    initContainerStatuses: list[_ContainerStatus] | None = None
    ephemeralContainerStatuses: list[_ContainerStatus] | None = None


class _Template(msgspec.Struct):
    spec: _PodSpec


class _Templated(msgspec.Struct):
    template: _Template


class _JobTemplate(msgspec.Struct):
    spec: _Templated


class _Scheduled(msgspec.Struct):
    jobTemplate: _JobTemplate


class Pod(msgspec.Struct):
    metadata: Metadata
    spec: _PodSpec
    status: _PodStatus = msgspec.field(default_factory=_PodStatus)

    def images(self) -> Iterator[str]:
        return _images(self.spec)

    def running(self) -> Iterator[str]:
        """The images as the runtime names what it has started. A container that waits for its image has none yet."""
        status = self.status
        for each in (status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses):
            yield from (container.imageID for container in each or ())


class Controller(msgspec.Struct):
    """What keeps pods by a template: a deployment, a job and so on."""

    metadata: Metadata
    spec: _Templated

    def images(self) -> Iterator[str]:
        return _images(self.spec.template.spec)

    def running(self) -> Iterator[str]:
        return iter(())


class CronJob(msgspec.Struct):
    metadata: Metadata
    spec: _Scheduled

    def images(self) -> Iterator[str]:
        return _images(self.spec.jobTemplate.spec.template.spec)

    def running(self) -> Iterator[str]:
        return iter(())


def _images(spec: _PodSpec) -> Iterator[str]:
    for containers in (spec.containers, spec.initContainers, spec.ephemeralContainers):
        yield from (container.image for container in containers or ())
    yield from (volume.image.reference for volume in spec.volumes or () if volume.image)


class ObjectKind(msgspec.Struct, frozen=True):
    name: str
    """As the API spells it."""
    plural: str
    groups: tuple[str, ...]
    """Paths of the API groups that have it, the current one first."""
    decode: Callable[[bytes], Page[Any]]


def _kinds(object_type: Any, groups: tuple[str, ...], names: Iterable[tuple[str, str]]) -> Iterator[ObjectKind]:
    decoder = msgspec.json.Decoder(Page[object_type])
    for name, plural in names:
        yield ObjectKind(name, plural, groups, decoder.decode)


KINDS: Final = (
    *_kinds(Pod, ("/api/v1",), [("Pod", "pods")]),
    *_kinds(Controller, ("/api/v1",), [("ReplicationController", "replicationcontrollers")]),
    *_kinds(
        Controller,
        ("/apis/apps/v1",),
        [
            ("Deployment", "deployments"),
            ("StatefulSet", "statefulsets"),
            ("DaemonSet", "daemonsets"),
            ("ReplicaSet", "replicasets"),
        ],
    ),
    *_kinds(Controller, ("/apis/batch/v1",), [("Job", "jobs")]),
    # Before Kubernetes 1.21 cron jobs are in the beta group only, since 1.25 they are not in it any more.
    *_kinds(CronJob, ("/apis/batch/v1", "/apis/batch/v1beta1"), [("CronJob", "cronjobs")]),
)
