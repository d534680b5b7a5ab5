"""Stages as werf 1.1 builds them: each is made of its content and of the stage below it."""

import hashlib
from collections.abc import Callable, Mapping

import msgspec

from holystone.demo import images
from holystone.demo.images import Built
from holystone.demo.published import PublishedStage
from holystone.engine.model.references import Digest, Tag


class Content(msgspec.Struct, frozen=True):
    """What an image is made of; equal contents have equal signatures."""

    base: int = 1
    dependencies: int = 1
    code: int = 1


class BuiltStage(msgspec.Struct, frozen=True):
    """A stage with what the next one inherits from it."""

    stage: PublishedStage
    labels: Mapping[str, str]
    layers: tuple[images.Layer, ...]
    chain: tuple[Tag, ...]


class Stages:
    """The stages built so far. `push` is told of each new one. Times are Unix seconds."""

    def __init__(self, project: str, push: Callable[[Tag, Built], None]) -> None:
        self._project = project
        self._push = push
        self._steps: dict[str, BuiltStage] = {}

    @property
    def built(self) -> tuple[PublishedStage, ...]:
        return tuple(step.stage for step in self._steps.values())

    def artifact(self, name: str, version: int, *, at: int) -> BuiltStage:
        first = self._built_once(name, "from", "1", None, at)
        return self._built_once(name, "install", str(version), first, at)

    def of_image(self, image: str, content: Content, imported: BuiltStage | None, *, at: int) -> BuiltStage:
        step = self._built_once(image, "from", str(content.base), None, at)
        step = self._built_once(image, "install", str(content.dependencies), step, at)
        if imported:
            key = f"werf-import-{imported.stage.tag.partition('-')[0][:12]}"
            own = {key: str(imported.stage.image_id)}
            step = self._built_once(image, "importsAfterInstall", imported.stage.tag, step, at, own)
        return self._built_once(image, "gitArchive", str(content.code), step, at)

    def _built_once(
        self,
        image: str,
        kind: str,
        version: str,
        below: BuiltStage | None,
        at: int,
        own: Mapping[str, str] | None = None,
    ) -> BuiltStage:
        """The stage with this content, built only if it is new."""
        signature = signature_of(image, kind, version, below.stage.tag if below else "")
        known = self._steps.get(signature)
        if known is not None:
            return known
        parent = below.stage.image_id if below else None
        labels = {
            "werf": self._project,
            "werf-version": "v1.1.35",
            "werf-cache-version": "1.1",
            **(below.labels if below else {}),
            **(own or {}),
            "werf-stage-signature": signature,
            "werf-stage-content-signature": signature_of("stage content", signature),
        }
        layers = (*(below.layers if below else ()), images.layer(f"{image} {kind}"))
        built = images.image(created=at, labels=labels, parent=parent, layers=layers)
        tag = Tag.parse(f"{signature}-{at * 1000 + len(self._steps) % 1000}")
        stage = PublishedStage(
            tag=tag,
            digest=built.digest,
            image_id=image_id_of(built),
            parent=parent,
            imports=tuple(sorted({Digest(labels[name]) for name in labels if name.startswith("werf-import-")})),
            created=at,
        )
        self._push(tag, built)
        step = BuiltStage(stage, labels, layers, (*(below.chain if below else ()), tag))
        self._steps[signature] = step
        return step


def signature_of(*parts: str) -> str:
    """56 hexadecimal digits, as werf's."""
    return hashlib.sha3_224("\n".join(parts).encode()).hexdigest()


def image_id_of(built: Built) -> Digest:
    if built.config is None:
        raise ValueError("an image has a configuration")
    return built.config
