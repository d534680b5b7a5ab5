"""The order in which doomed manifests can go."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from holystone.engine.closure.components import components
from holystone.engine.closure.graph import Graph
from holystone.engine.model.references import Digest

Relation: TypeAlias = Mapping[Digest, Collection[Digest]]
"""From a manifest to those that go after it."""
Levels: TypeAlias = tuple[tuple[Digest, ...], ...]


def deletion_order(graph: Graph, doomed: Collection[Digest], *, takes_referrers: bool = False) -> Levels:
    """As few levels as the order allows. `takes_referrers`: a subject goes with them, so an index that lists one of
    them goes before the subject too.

    Servers that guard anything guard the children of an index, so that relation outranks the others where they
    contradict each other, e.g. for an index whose subject is one of its own children.
    """
    children: Relation = graph.children
    if takes_referrers:
        children = {index: _with_subjects(graph, listed) for index, listed in children.items()}
    fallback = {subject: [graph.tags[tag] for tag in tags] for subject, tags in graph.attached.items()}
    return _layers(doomed, (children, graph.referrers, fallback))


def _with_subjects(graph: Graph, manifests: Iterable[Digest]) -> Collection[Digest]:
    found: dict[Digest, None] = {}
    for digest in manifests:
        at: Digest | None = digest
        while at and at not in found:
            found[at] = None
            at = graph.refers_to.get(at)
    return found


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
