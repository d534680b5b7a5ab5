"""Proves a plan on a model of a registry: deletes the plan's way, then looks whether every kept tag still has all it
needs. Shares no code with the closure and the planner, so that a mistake there is found here."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from holystone.engine.model.capabilities import GENTLE, Capabilities, LastTag
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import How, Remove, RepositoryPlan, Untag
from holystone.engine.model.references import Digest, Tag


def check_plan(
    snapshot: RepositorySnapshot,
    plan: RepositoryPlan,
    can: Capabilities = GENTLE,
    *,
    marks: Mapping[Tag, Tag] | None = None,
    loose: Collection[Digest] = (),
) -> tuple[str, ...]:
    """What is wrong with the plan, sorted; empty if it is safe. Anything found is a bug, and nothing of the plan may
    be applied. `can`: what the registry deletes along with other things; `marks`: tags that must not go without, or
    before, another one; `loose`: manifests without a tag that somebody named to go."""
    tags, manifests = _after(snapshot, plan, can)
    found = _disagreements(snapshot, plan)
    listed = frozenset(plan.kept_manifests)
    for each in plan.kept:
        if tags.get(each.tag) != snapshot.tags.get(each.tag):
            found.append(f"kept tag {each.tag} would be lost")
    for mark, marked in (marks or {}).items():
        if mark in snapshot.tags and mark not in tags:
            if marked in tags or marked in snapshot.broken:
                found.append(f"tag {mark} would be lost, but {marked}, which it marks, stays")
            elif marked in snapshot.tags and plan.marks.get(mark) != marked:
                found.append(f"tag {mark} could be lost before {marked}, which it marks")
    needs = _needs(snapshot, plan)
    brought = _brought(snapshot, plan, loose)
    for step in plan.steps:
        if isinstance(step, Remove) and not (step.digest in brought or step.digest in needs):
            found.append(f"manifest {step.digest} would be deleted, but nothing that goes brings it")
    for digest, user in needs.items():
        if digest in snapshot.manifests and digest not in manifests:
            found.append(f"manifest {digest} would be deleted, but {user} needs it")
        if digest in snapshot.manifests and digest not in listed:
            found.append(f"manifest {digest} is not listed as kept, but {user} needs it")
        found += [
            f"tag {tag} would be lost, but the manifest it belongs to stays for {user}"
            for tag in _names_of(digest)
            if tag in snapshot.tags and tag not in tags
        ]
    return tuple(sorted(found))


def _after(
    snapshot: RepositorySnapshot, plan: RepositoryPlan, can: Capabilities
) -> tuple[dict[Tag, Digest], set[Digest]]:
    """What the registry would hold: whatever may go along with something else does."""
    there = _Registry(snapshot, can)
    for step in plan.steps:
        if isinstance(step, Untag):
            there.untag(step.tag, step.how)
        else:
            there.delete(step.digest)
    return there.tags, there.manifests


class _Registry:
    def __init__(self, snapshot: RepositorySnapshot, can: Capabilities) -> None:
        self._snapshot = snapshot
        self._can = can
        fates = {last.manifest for how in ("delete", "tombstone") if (last := self._last_tag(how))}
        self._collects = can.cascade.children or "goes-unlisted" in fates
        self.tags = dict(snapshot.tags)
        self.manifests = set(snapshot.manifests)
        self._on: dict[Digest, set[Tag]] = defaultdict(set)
        for tag, digest in self.tags.items():
            self._on[digest].add(tag)
        self._indexes: dict[Digest, set[Digest]] = defaultdict(set)
        self._referrers: dict[Digest, set[Digest]] = defaultdict(set)
        for manifest in snapshot.manifests.values():
            for child in manifest.children:
                self._indexes[child].add(manifest.digest)
            if manifest.subject:
                self._referrers[manifest.subject].add(manifest.digest)

    def untag(self, tag: Tag, how: How) -> None:
        """Takes the tag away, with its siblings, or with the manifest that it was the last one of and what belongs to
        that."""
        was = self.tags.get(tag)
        if was is None:
            return
        self._take(tag)
        last = self._last_tag(how)
        if last is None:
            self.delete(was)
        elif not self._on[was]:
            if not self._stays_without_tags(was, last, how):
                self.delete(was)
            for other in _names_of(was) if last.takes_attached else ():
                if other not in self._snapshot.locked:
                    self.untag(other, "delete")

    def delete(self, first: Digest) -> None:
        """Deletes a manifest, with every tag that is still on it."""
        left = [first]
        while left:
            digest = left.pop()
            if digest not in self.manifests:
                continue
            self.manifests.discard(digest)
            for tag in list(self._on[digest]):
                self._take(tag)
            if self._can.cascade.referrers:
                left += self._referrers[digest]
            if self._collects:
                children = self._snapshot.manifests[digest].children
                left += [each for each in children if not self._on[each] and not self._is_listed(each)]

    def _last_tag(self, how: How) -> LastTag | None:
        """None: siblings may go with the tag. What the registry cannot do at all is taken to do the worst."""
        if how == "tombstone":
            return (self._can.digests.tombstones if self._can.digests else None) or LastTag()
        return self._can.tags.last_tag if self._can.tags else None

    def _stays_without_tags(self, digest: Digest, last: LastTag, how: How) -> bool:
        if last.manifest == "goes-unlisted":
            return self._is_listed(digest)
        return last.manifest == "stays" or (last.manifest == "goes-unanchored" and how == "anchor")

    def _is_listed(self, digest: Digest) -> bool:
        return bool((self._indexes[digest] - {digest}) & self.manifests)

    def _take(self, tag: Tag) -> None:
        self._on[self.tags.pop(tag)].discard(tag)


def _needs(snapshot: RepositorySnapshot, plan: RepositoryPlan) -> dict[Digest, str]:
    """Each manifest that a kept tag needs, with one that needs it: by index, by subject, by the name of a tag."""
    referrers: dict[Digest, list[Digest]] = defaultdict(list)
    for manifest in snapshot.manifests.values():
        if manifest.subject is not None:
            referrers[manifest.subject].append(manifest.digest)
    needs: dict[Digest, str] = {}
    users = [(f"tag {each.tag}", snapshot.tags.get(each.tag)) for each in sorted(plan.kept, key=lambda kept: kept.tag)]
    users += [(f"the name {name!r}", digest) for name, digest in sorted(snapshot.odd.items())]
    users += [("what refers to it", digest) for digest in sorted(snapshot.held)]
    going = {step.digest for step in plan.steps if isinstance(step, Remove)}
    for digest in sorted(set(snapshot.loose or ()) - going):
        if (stays := snapshot.manifests.get(digest)) is not None:
            users += [(f"the untagged {digest}", child) for child in (*stays.children, *stays.blobs)]
    if snapshot.unread:  # any of them may need any manifest
        name = min(snapshot.unread)
        users += [(f"{name}, which was not read", digest) for digest in snapshot.manifests]
    for user, first in users:
        stack = [first] if first else []
        while stack:
            digest = stack.pop()
            if digest in needs:
                continue
            needs[digest] = user
            if digest in snapshot.manifests:
                stack.extend((*snapshot.manifests[digest].children, *snapshot.manifests[digest].blobs))
            stack.extend(snapshot.unclear.get(digest, ()))
            stack.extend(referrers[digest])
            stack.extend(snapshot.tags[tag] for tag in _names_of(digest) if tag in snapshot.tags)
    return needs


def _brought(snapshot: RepositorySnapshot, plan: RepositoryPlan, loose: Collection[Digest]) -> set[Digest]:
    """What may go, since a tag that goes or somebody's word brings it."""
    referrers: dict[Digest, list[Digest]] = defaultdict(list)
    for manifest in snapshot.manifests.values():
        if manifest.subject is not None:
            referrers[manifest.subject].append(manifest.digest)
    unknown = [tag for tag in snapshot.broken if snapshot.tags.get(tag) not in snapshot.manifests]
    shown = frozenset(() if unknown else snapshot.loose or ())
    stack = [snapshot.tags[tag] for tag in plan.doomed_tags if tag in snapshot.tags]
    stack += [digest for digest in loose if digest in shown]
    brought: set[Digest] = set()
    while stack:
        digest = stack.pop()
        if digest in brought:
            continue
        brought.add(digest)
        if (manifest_there := snapshot.manifests.get(digest)) is not None:
            stack.extend((*manifest_there.children, *manifest_there.blobs))
        stack.extend(referrers[digest])
        stack.extend(snapshot.tags[tag] for tag in _names_of(digest) if tag in snapshot.tags)
    return brought


def _names_of(digest: Digest) -> tuple[Tag, ...]:
    """The tags under which clients look for what belongs to a manifest."""
    base = f"{digest.algorithm}-{digest.hex}"[: len(digest.algorithm) + 1 + 64]
    return tuple(Tag(base + suffix) for suffix in ("", ".sig", ".att", ".sbom"))


def _disagreements(snapshot: RepositorySnapshot, plan: RepositoryPlan) -> list[str]:
    """Every tag must be in the plan once, every step too, and each must be about what was read."""
    count = Counter((*plan.doomed_tags, *(each.tag for each in plan.kept)))
    read = snapshot.names
    found = [f"tag {tag} is in the plan {count[tag]} times" for tag in read if count[tag] != 1]
    found += [f"tag {tag} is in the plan but not in the repository" for tag in count if tag not in read]
    removed = Counter(step.id for step in plan.steps)
    found += [f"{each} is removed by {times} steps" for each, times in removed.items() if times > 1]
    for step in plan.steps:
        if isinstance(step, Remove) and step.digest not in snapshot.manifests:
            found.append(f"manifest {step.digest} would be deleted without having been read")
        found += [
            f"tag {tag} would be deleted, but it was not read as pointing to {step.digest}"
            for tag in step.tags
            if tag in snapshot.broken or snapshot.tags.get(tag) != step.digest
        ]
    return found
