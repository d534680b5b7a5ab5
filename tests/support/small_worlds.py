"""One repository with everything that makes deleting hard, and the plans that different registries get for it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from tests.support.gentle import gentle
from tests.support.memory_registry import CAPABILITIES, MemoryRegistry, repository
from tests.support.small_plans import level, remove, repository_plan, tombstone, untag

APP = repository()
Way: TypeAlias = Literal["delete", "bulk", "tombstone", "plain"]
WAYS: tuple[Way, ...] = ("delete", "bulk", "tombstone", "plain")


@dataclass
class World:
    registry: MemoryRegistry
    plan: RepositoryPlan
    digests: dict[str, Digest]

    def tags(self) -> dict[Tag, Digest]:
        return self.registry.contents[APP].tags

    def has(self, name: str) -> bool:
        return self.digests[name] in self.registry.contents[APP].manifests

    def at(self, tag: str) -> Digest | None:
        return self.tags().get(Tag(tag))

    def kept_is_there(self) -> bool:
        content = self.registry.contents[APP]
        return all(content.tags.get(each.tag) == each.digest for each in self.plan.kept) and all(
            digest in content.manifests for digest in self.plan.kept_manifests
        )

    def is_clean(self) -> bool:
        content = self.registry.contents[APP]
        return content.state() == ({each.tag: each.digest for each in self.plan.kept}, set(self.plan.kept_manifests))


def world(way: Way) -> World:
    """Kept: an image, one that shares its manifest with a doomed tag, an index. Doomed: images, of which one has two
    tags, one a referrer and one a signature under a tag, and an index that shares a child with the kept one."""
    bulk = 3 if way == "bulk" else 1
    can = CAPABILITIES if way in ("delete", "bulk") else gentle("memory")
    registry = MemoryRegistry(msgspec.structs.replace(can, bulk=bulk), refuse_children=True)
    image, index = registry.image, registry.index
    d: dict[str, Digest] = {}
    d["keep"] = image(APP, "keep", "keep")
    d["shared"] = image(APP, "shared", "keep-shared", "old-shared")
    d["child"] = image(APP, "child")
    d["both"] = image(APP, "both")
    d["kept-index"] = index(APP, [d["child"], d["both"]], "keep-index")
    d["a"] = image(APP, "a", "a1", "a2")
    d["b"] = image(APP, "b", "b")
    d["b-referrer"] = image(APP, "b-referrer", subject=d["b"])
    d["c"] = image(APP, "c", "c")
    signature = f"sha256-{d['c'].hex}.sig"
    d["c-signature"] = image(APP, "c-signature", signature)
    d["leaf"] = image(APP, "leaf")
    d["inner"] = index(APP, [d["leaf"]])
    d["old-index"] = index(APP, [d["both"], d["inner"]], "old-index")

    doomed = {"a1": "a", "a2": "a", "b": "b", "c": "c", signature: "c-signature", "old-index": "old-index"}
    kept = {"keep": d["keep"], "keep-shared": d["shared"], "keep-index": d["kept-index"]}
    plain = way == "plain"
    removes = (
        level(
            remove(d["a"], *(["a1", "a2"] if plain else [])),
            remove(d["b"], *(["b"] if plain else [])),
            remove(d["c"], *(["c"] if plain else [])),
            remove(d["old-index"], *(["old-index"] if plain else [])),
        ),
        level(remove(d["b-referrer"]), remove(d["c-signature"], *([signature] if plain else [])), remove(d["inner"])),
        level(remove(d["leaf"])),
    )
    passes: tuple[Pass, ...] = removes
    if plain:
        kept["old-shared"] = d["shared"]
    else:
        make = tombstone if way == "tombstone" else untag
        steps = tuple(make(tag, d[name]) for tag, name in {**doomed, "old-shared": "shared"}.items())
        passes = (Pass("tombstone" if way == "tombstone" else "untag", steps), *removes)
    return World(registry, repository_plan(APP, *passes, kept=kept, needed=[d["child"], d["both"]]), d)
