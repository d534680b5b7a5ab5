"""Strongly connected components, because an order must exist even where hostile data makes a cycle."""

from collections.abc import Collection, Iterable, Mapping

from holystone.engine.model.references import Digest


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
