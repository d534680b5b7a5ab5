"""The order in which doomed manifests can go."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

from holystone.engine.closure.components import components
from holystone.engine.closure.graph import Graph
from holystone.engine.model.references import Digest

Relation: TypeAlias = Mapping[Digest, Collection[Digest]]
"""From a manifest to those that go after it."""
Levels: TypeAlias = tuple[tuple[Digest, ...], ...]


def deletion_order(graph: Graph, doomed: Collection[Digest]) -> Levels:
    """As few levels as the order allows.

    Servers that guard anything guard the children of an index, so that relation outranks the others where they
    contradict each other, e.g. for an index whose subject is one of its own children.
    """
    fallback = {subject: [graph.tags[tag] for tag in tags] for subject, tags in graph.attached.items()}
    return _layers(doomed, (graph.children, graph.referrers, fallback))


def _layers(nodes: Collection[Digest], relations: Sequence[Relation]) -> Levels:
    """Each relation holds, except inside a cycle: there the last one is dropped, and so on until none is left."""
    if not relations or len(nodes) < 2:
        return (tuple(sorted(nodes)),) if nodes else ()
    members = frozenset(nodes)
    after = {
        node: [
            other for relation in relations for other in relation.get(node, ()) if other in members and other != node
        ]
        for node in sorted(members)
    }
    first: dict[Digest, int] = defaultdict(int)
    levels: dict[int, list[Digest]] = defaultdict(list)
    for component in components(after, after):
        start = max(first[node] for node in component)
        inner = _layers(component, relations[:-1]) if len(component) > 1 else ((component[0],),)
        for offset, layer in enumerate(inner):
            levels[start + offset].extend(layer)
        for node in component:
            for other in after[node]:
                first[other] = max(first[other], start + len(inner))
    return tuple(tuple(sorted(levels[number])) for number in sorted(levels))
