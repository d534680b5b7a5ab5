"""The order in which doomed manifests can go. It must exist even where hostile data makes a cycle."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from holystone.engine.closure.graph import Graph
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.references import Digest

_Relation: TypeAlias = Mapping[Digest, Collection[Digest]]
"""From a manifest to those that go after it."""
Levels: TypeAlias = tuple[tuple[Digest, ...], ...]


def deletion_order(graph: Graph, doomed: Collection[Digest], can: Capabilities) -> Levels:
    """The doomed manifests by levels, as few as the order allows.

    Servers that guard anything guard the children of an index, so that relation outranks the others where they
    contradict each other, e.g. for an index whose subject is one of its own children.
    """
    children: _Relation = graph.children
    if can.cascade.referrers:
        children = _with_takers(graph, children_too=can.collects_unlisted)
    fallback = {subject: [graph.tags[tag] for tag in tags] for subject, tags in graph.attached.items()}
    return _layers(doomed, (children, graph.referrers, fallback))


def components(nodes: Iterable[Digest], after: Mapping[Digest, Collection[Digest]]) -> list[list[Digest]]:
    """The strongly connected components in topological order: what comes `after` a node is in its own component or in a
    later one.

    Tarjan's algorithm, with a stack of its own instead of recursion, since chains can be long.
    """
    index: dict[Digest, int] = {}
    low: dict[Digest, int] = {}
    path: list[Digest] = []
    on_path: set[Digest] = set()
    found: list[list[Digest]] = []
    for root in nodes:
        # A frame is a node and what it has not followed yet; the outermost one only leads to the root.
        work = [(root, iter((root,)))]
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node] and node in on_path:
                    found.append(_cut(path, on_path, node))
            elif following not in index:
                index[following] = low[following] = len(index)
                path.append(following)
                on_path.add(following)
                work.append((following, iter(after.get(following, ()))))
            elif following in on_path:
                low[node] = min(low[node], index[following])
    found.reverse()
    return found


def _cut(path: list[Digest], on_path: set[Digest], node: Digest) -> list[Digest]:
    start = len(path) - 1
    while path[start] != node:
        start -= 1
    component = path[start:]
    del path[start:]
    on_path.difference_update(component)
    return component


def _with_takers(graph: Graph, *, children_too: bool) -> _Relation:
    """A relation from each index to what it lists and to whatever would take a referrer among that along: its subject,
    and an index of which that is a child. While the first index is there, the registry would refuse."""
    indexes = graph.indexes if children_too else {}
    found: dict[Digest, Collection[Digest]] = {}
    for index, children in graph.children.items():
        takers = dict.fromkeys(graph.refers_to[child] for child in children if child in graph.refers_to)
        waiting = list(takers)
        while waiting:
            taken = waiting.pop()
            above = (*indexes.get(taken, ()), *((graph.refers_to[taken],) if taken in graph.refers_to else ()))
            waiting += (other for other in above if other not in takers)
            takers |= dict.fromkeys(above)
        found[index] = (*children, *takers)
    return found


def _layers(nodes: Collection[Digest], relations: Sequence[_Relation]) -> Levels:
    """Each relation holds, except inside a cycle: there the last one is dropped, and so on until none is left."""
    members = frozenset(nodes)
    after: dict[Digest, list[Digest]] = {}
    for node in members:
        related = (other for relation in relations for other in relation.get(node, ()))
        if others := [other for other in related if other in members and other != node]:
            after[node] = others
    # Most manifests have to do with no other one, and go first.
    tied = {*after, *(other for others in after.values() for other in others)}
    first: dict[Digest, int] = defaultdict(int)
    levels: dict[int, list[Digest]] = defaultdict(list)
    if free := [node for node in members if node not in tied]:
        levels[0] = free
    for component in components(sorted(tied), after):
        start = max(first[node] for node in component)
        inner = _layers(component, relations[:-1]) if len(component) > 1 else ((component[0],),)
        for offset, layer in enumerate(inner):
            levels[start + offset].extend(layer)
        for node in component:
            for other in after.get(node, ()):
                first[other] = max(first[other], start + len(inner))
    return tuple(tuple(sorted(levels[number])) for number in sorted(levels))
