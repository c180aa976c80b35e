"""Nodes of two recipes matched by what they are and where they sit, whatever their ids.

From the savers upwards, inputs of the same name lead to counterparts. Where the classes differ, a node was put in,
taken out or replaced: the walk goes on where both sides meet again. What is left is matched by equal subtrees, then
by class and neighbours; the rest was added or removed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from goodseed.provenance.diff.resolve import Graph, Link, own_hash, up_hashes
from goodseed.provenance.diff.values import text_of

FARTHEST = 256
"""How many nodes above a place are looked at for the one that continues there."""
MOST_SCORED = 4096
"""Up to how many pairs of left-over nodes of one class are scored by their neighbours."""

Fits = Callable[[str, str], bool]


@dataclass
class Matching:
    """Pairs of keys, first graph → second; the nodes that only one graph has; hashes of each node with all above."""

    pairs: dict[str, str]
    removed: list[str]
    added: list[str]
    up_a: dict[str, str] = field(default_factory=dict)
    up_b: dict[str, str] = field(default_factory=dict)


def match(a: Graph, b: Graph) -> Matching:
    """Match two graphs; matching b with a gives the same pairs turned round."""
    up_a, up_b = up_hashes(a), up_hashes(b)
    if up_a[a.saver] > up_b[b.saver]:
        turned = _Matcher(b, a, up_b, up_a).run()
        pairs = {there: here for here, there in turned.pairs.items()}
        return Matching(pairs, turned.added, turned.removed, up_a, up_b)
    return _Matcher(a, b, up_a, up_b).run()


class _Matcher:
    def __init__(self, a: Graph, b: Graph, up_a: dict[str, str], up_b: dict[str, str]) -> None:
        self.a, self.b, self.up_a, self.up_b = a, b, up_a, up_b
        self.own_a = {key: own_hash(node) for key, node in a.nodes.items()}
        self.own_b = {key: own_hash(node) for key, node in b.nodes.items()}
        self.pairs: dict[str, str] = {}
        self.taken: set[str] = set()
        self.replaced: list[tuple[str, str]] = []

    def run(self) -> Matching:
        self._walk([(self.a.saver, self.b.saver)])
        self._pair_equal()
        self._pair_neighbours()
        for x, y in self.replaced:
            if x not in self.pairs and y not in self.taken:
                self._pair(x, y)
                self._walk(self._inputs(x, y))
        # A left-over node that is a mere copy of one that the other graph has too was neither added nor removed.
        in_a, in_b = set(self.up_a.values()), set(self.up_b.values())
        removed = [key for key in self.a.nodes if key not in self.pairs and self.up_a[key] not in in_b]
        added = [key for key in self.b.nodes if key not in self.taken and self.up_b[key] not in in_a]
        return Matching(self.pairs, removed, added, self.up_a, self.up_b)

    def _pair(self, x: str, y: str) -> None:
        self.pairs[x] = y
        self.taken.add(y)

    def _free(self, x: str, y: str) -> bool:
        return x not in self.pairs and y not in self.taken

    def _inputs(self, x: str, y: str) -> list[tuple[str, str]]:
        """Return the pairs of nodes that two counterparts take inputs of the same name from."""
        first, second = self.a.nodes[x].links, self.b.nodes[y].links
        found = ((first[name][0], second[name][0]) for name in sorted(first.keys() & second.keys()))
        return [(p, q) for p, q in found if p in self.a.nodes and q in self.b.nodes]

    def _walk(self, start: Iterable[tuple[str, str]]) -> None:
        waiting = deque(start)
        seen: set[tuple[str, str]] = set()
        while waiting:
            x, y = waiting.popleft()
            if (x, y) in seen:
                continue
            seen.add((x, y))
            if not self._free(x, y):
                continue
            place = self._continued(x, y)
            if place == (x, y):
                self._pair(x, y)
                waiting += self._inputs(x, y)
            elif place is not None:
                waiting.append(place)

    def _continued(self, x: str, y: str) -> tuple[str, str] | None:
        """Return the counterparts at a place, or above it where something was put in or taken out; None if replaced."""
        alike = self.a.nodes[x].class_type == self.b.nodes[y].class_type
        if alike and self.own_a[x] == self.own_b[y]:
            return x, y
        above_x, above_y = _above(self.a, x), _above(self.b, y)
        if place := self._nearest(x, y, above_x, above_y, self._is_equal, FARTHEST):
            return place
        if alike:
            return x, y
        if place := self._nearest(x, y, above_x, above_y, self._is_alike, 2):
            return place
        common = self.a.nodes[x].links.keys() & self.b.nodes[y].links.keys()
        if not common and (place := self._nearest(x, y, above_x, above_y, self._is_alike, FARTHEST)):
            return place
        self.replaced.append((x, y))
        return None

    def _nearest(
        self, x: str, y: str, above_x: dict[str, int], above_y: dict[str, int], fits: Fits, deepest: int
    ) -> tuple[str, str] | None:
        """Return the closest pair of one of the two and a node above the other, where the pair fits."""
        found = [(depth, self.up_b[q], x, q) for q, depth in above_y.items() if self._free(x, q) and fits(x, q)]
        found += [(depth, self.up_a[p], p, y) for p, depth in above_x.items() if self._free(p, y) and fits(p, y)]
        found = [entry for entry in found if entry[0] <= deepest]
        return min(found)[2:] if found else None

    def _is_equal(self, x: str, y: str) -> bool:
        """Say whether two nodes are of one class with the same literals, of which there must be some."""
        return self.own_a[x] == self.own_b[y] and bool(self.a.nodes[x].literals)

    def _is_alike(self, x: str, y: str) -> bool:
        return self.a.nodes[x].class_type == self.b.nodes[y].class_type

    def _pair_equal(self) -> None:
        """Match left-over nodes that are equal with all above them."""
        free: dict[str, list[str]] = defaultdict(list)
        for y in self.b.nodes:
            if y not in self.taken:
                free[self.up_b[y]].append(y)
        for x in self.a.nodes:
            if x not in self.pairs and free[self.up_a[x]]:
                self._pair(x, free[self.up_a[x]].pop())

    def _pair_neighbours(self) -> None:
        """Match left-over nodes of one class, those first that have most in common."""
        users_a, users_b = _users(self.a), _users(self.b)
        by_class: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
        for x, node in self.a.nodes.items():
            if x not in self.pairs:
                by_class[node.class_type][0].append(x)
        for y, node in self.b.nodes.items():
            if y not in self.taken:
                by_class[node.class_type][1].append(y)
        for _, (left, right) in sorted(by_class.items()):
            if len(left) * len(right) > MOST_SCORED:
                continue
            scored = [
                (-score, self.up_a[x], self.up_b[y], x, y)
                for x in left
                for y in right
                if (score := self._score(x, y, users_a, users_b))
            ]
            for *_, x, y in sorted(scored):
                if self._free(x, y):
                    self._pair(x, y)
                    self._walk(self._inputs(x, y))

    def _score(
        self, x: str, y: str, users_a: dict[str, list[tuple[str, str]]], users_b: dict[str, list[tuple[str, str]]]
    ) -> int:
        """Return how much speaks for two nodes being one: shared users, shared sources, all literals equal."""
        there = set(users_b[y])
        shared = sum((self.pairs.get(user, ""), name) in there for user, name in users_a[x])
        shared += sum(self.pairs.get(p) == q for p, q in self._inputs(x, y))
        first, second = self.a.nodes[x].literals, self.b.nodes[y].literals
        return 2 * shared + (bool(first) and text_of(first) == text_of(second))


def same_source(a: Link, b: Link, found: Matching) -> bool:
    """Say whether two links bring the same: from counterparts, or from nodes equal with all above them.

    Links to nodes that are not there bring the same: nothing.
    """
    if a[1] != b[1]:
        return False
    return found.pairs.get(a[0]) == b[0] or found.up_a.get(a[0]) == found.up_b.get(b[0])


def groups(graph: Graph, keys: Iterable[str]) -> list[list[str]]:
    """Return left-over nodes in groups that hang together, each from its lowest node upwards."""
    left = set(keys)
    neighbours: dict[str, set[str]] = defaultdict(set)
    for key in left:
        for source in graph.sources(key):
            if source in left:
                neighbours[key].add(source)
                neighbours[source].add(key)
    found: list[list[str]] = []
    seen: set[str] = set()
    for key in graph.nodes:
        if key not in left or key in seen:
            continue
        group, waiting = [], [key]
        while waiting:
            member = waiting.pop()
            if member not in seen:
                seen.add(member)
                group.append(member)
                waiting += sorted(neighbours[member])
        found.append(group)
    return found


def users_of(graph: Graph, group: Iterable[str]) -> set[tuple[str, str]]:
    """Return the nodes outside a group that take something from it, and as which input."""
    members = set(group)
    users = _users(graph)
    return {(user, name) for key in members for user, name in users[key] if user not in members}


def _above(graph: Graph, key: str) -> dict[str, int]:
    """Return the nodes above a place and how far they are, the nearest `FARTHEST` of them."""
    found: dict[str, int] = {}
    waiting = deque((source, 1) for source in graph.sources(key))
    while waiting and len(found) < FARTHEST:
        source, depth = waiting.popleft()
        if source not in found and source != key:
            found[source] = depth
            waiting += [(further, depth + 1) for further in graph.sources(source)]
    return found


def _users(graph: Graph) -> dict[str, list[tuple[str, str]]]:
    """Return for each node which nodes take its output, and as which input."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, node in graph.nodes.items():
        for name, (source, _) in node.links.items():
            found[source].append((key, name))
    return found
