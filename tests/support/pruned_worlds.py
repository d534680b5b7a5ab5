"""Random repositories with random policies, and what a prune must leave of them: the rules of retention as
`plain_retention` says them, and what belongs to what as it was pushed. Nothing of it is read from a plan."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

import msgspec

from holystone.engine.model.capabilities import SPARES_ALL
from holystone.engine.model.in_use import ListEntry, UsedImage
from holystone.engine.model.manifests import OCI_INDEX, RawManifest
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import Digest, Tag
from holystone.policies.retention.candidates import Candidate, Candidates, Facts, Moment
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Policy
from tests.contract.stands import Stand, State
from tests.real.servers import Takes
from tests.support import images
from tests.support.drawn_retention import DAY, NOW, drawn_entry, drawn_labels, drawn_moment, drawn_name
from tests.support.plain_retention import PlainRetention, plain_match

EARLIER = NOW - 10 * DAY
"""When a run had a look already."""
_GRACE = 2 * 3600


@dataclass
class Made:
    """A manifest as it was made."""

    raw: RawManifest
    config: Digest | None = None
    created: int | None = None
    """Unix seconds; None: nothing says it."""
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None


class PrunedWorld:
    def __init__(self, served: Stand, seed: int, takes: Takes) -> None:
        """`served` takes it. Where that says when something was pushed, build times are meant: what it says is not what
        was drawn."""
        self._can = served.profile.can
        self._served = served
        self._draw = Random(seed)
        self._takes = takes
        self.made: dict[Digest, Made] = {}
        self.tags: dict[str, Digest] = {}
        self.attached: dict[str, Digest] = {}
        """Tags that nobody chose, and what they belong to, which may never have been pushed."""
        self.late: set[str] = set()
        """What the earlier look has not seen."""
        self.used: list[UsedImage] = []
        self.policy = _policy(self._draw, str(served.repository), told=served.identity.implementation != "default")

    async def push(self) -> None:
        """What there is at the earlier look."""
        draw = self._draw
        for number in range(draw.randint(2, 8)):
            await self._manifest(number)
        for digest in list(self.made):
            if draw.random() < 0.2:
                await self._sign(digest)
        if draw.random() < 0.3:
            await self._sign(Digest.of(f"never pushed {draw.random()}".encode()))

    async def push_more(self) -> None:
        """What there is when it is pruned."""
        draw = self._draw
        for each in self._own():
            if draw.random() < 0.2:
                await self._tag(drawn_name(draw), each, late=True)
        if draw.random() < 0.1:
            await self._sign(Digest.of(f"never pushed {draw.random()}".encode()), late=True)
        for tag in self.names:
            if draw.random() < 0.05:
                self._use(tag, None)
        for each in self._own():
            if draw.random() < 0.04:
                self._use(None, draw.choice([each.raw.digest, each.config or each.raw.digest]))

    def _own(self) -> list[Made]:
        signatures = {self.tags[tag] for tag in self.attached}
        return [each for digest, each in self.made.items() if digest not in signatures]

    @property
    def names(self) -> list[str]:
        """The tags that somebody chose."""
        return [each for each in self.tags if each not in self.attached]

    async def _manifest(self, number: int) -> None:
        draw, served = self._draw, self._served
        kind = draw.random()
        images_made = [each for each in self.made.values() if each.raw.media_type != OCI_INDEX]
        parts = list(self.made.values()) if self._takes.nested else images_made
        subjects = {"any": list(self.made.values()), "images": images_made, "none": []}[self._takes.subjects]
        if parts and kind < 0.3:
            listed = draw.sample(parts, min(len(parts), draw.randint(1, 3)))
            raw = await served.index(tuple(each.raw for each in listed))
            made = Made(raw, children=tuple(each.raw.digest for each in listed))
        else:
            moment, labels = drawn_moment(draw), drawn_labels(draw) or {}
            subject = draw.choice(subjects) if subjects and kind < 0.45 else None
            config = images.config(
                f"i{number}",
                created=_rfc3339(moment.seconds if moment else -62135596800),
                labels={name: min(texts) for name, texts in labels.items()},
            )
            raw = await served.image("", subject=subject.raw if subject else None, config=config)
            made = Made(
                raw,
                Digest.of(config),
                moment.seconds if moment else None,
                {name: frozenset({min(texts)}) for name, texts in labels.items()},
                subject=subject.raw.digest if subject else None,
            )
        self.made.setdefault(raw.digest, made)
        for _ in range(draw.choice([0, 1, 1, 1, 2])):
            await self._tag(drawn_name(draw), made)

    async def _tag(self, name: str, made: Made, *, late: bool = False) -> None:
        if name in self.tags:
            return
        await self._served.manifest(made.raw, name)
        self.tags[name] = made.raw.digest
        if late:
            self.late.add(name)

    async def _sign(self, subject: Digest, *, late: bool = False) -> None:
        """As cosign does."""
        tag = f"sha256-{subject.hex}.sig"
        raw = await self._served.signature(f"of {subject}", tag)
        self.made[raw.digest] = Made(raw)
        self.tags[tag] = raw.digest
        self.attached[tag] = subject
        if late:
            self.late.add(tag)

    def _use(self, tag: str | None, digest: Digest | None) -> None:
        at = self._served.repository if tag else None
        self.used.append(UsedImage(at, Tag(tag) if tag else None, digest, ListEntry("a list")))

    # What must be left.

    def below(self, digest: Digest) -> set[Digest]:
        """A manifest and what it lists, at any depth."""
        found: set[Digest] = set()
        waiting = [digest]
        while waiting:
            if (each := waiting.pop()) not in found:
                found.add(each)
                waiting += self.made[each].children
        return found

    def needed(self, tags: Iterable[str]) -> set[Digest]:
        """What these tags bring with them: what an index lists, what refers to a manifest, and what is attached."""
        found = {self.tags[each] for each in tags}
        while True:
            more = {below for each in found for below in self.below(each)}
            more |= {digest for digest, each in self.made.items() if each.subject in found}
            more |= {self.tags[tag] for tag, subject in self.attached.items() if subject in found}
            if more <= found:
                return found
            found |= more

    async def assert_left(self, before: State, after: State) -> None:
        """Holds what is there against what must be."""
        (tags, manifests), (now, there) = before, after
        self._can = await self._served.session.probe()
        stays = self.staying()
        needed = self.needed(stays) | self._untouched()
        assert {tag: now.get(tag) for tag in stays} == {tag: tags[tag] for tag in stays}, "wanted, and lost"
        assert not (set(map(str, needed)) & manifests) - there, "needed, and lost"
        left = {tag for tag in self.names if tag in now and tag not in stays}
        assert not {tag for tag in left if not self._may_stay(tag, needed)}, "not wanted, and left"
        for tag, goes in self.orphans().items():
            assert (tag not in now) == goes, f"{tag} is an orphan"
        for tag, subject in self.attached.items():
            assert subject not in needed or tag in now, f"{tag} goes with {subject}"
            assert subject not in self.made or subject in there or tag not in now, f"{tag} is left of {subject}"
        spared = self._around(needed) if self._can.cascade.referrers else needed
        assert not set(map(str, self.loose() - spared)) & there, "not needed, and left"
        assert set(now) <= set(tags), "nobody's"

    def loose(self) -> set[Digest]:
        """Manifests without a tag that go, where the registry lists them: what no index lists, what belongs to nothing
        that is there, and what nobody uses."""
        if not self._can.listing.loose:
            return set()
        listed = {child for each in self.made.values() for child in each.children}
        tagged = set(self.tags.values())
        used = {each.digest for each in self.used if each.digest}
        found = set()
        for digest, each in self.made.items():
            after = self.policy.untagged_after if each.subject is None else self.policy.orphaned_after
            alone = digest not in listed | tagged and (each.subject is None or each.subject not in self.made)
            below = self.below(digest)
            if alone and after is not None and not used & (below | {self.made[one].config for one in below}):
                found.add(digest)
        return found

    def _untouched(self) -> set[Digest]:
        """What no tag that goes leads to, and no manifest without a tag that goes; nothing where the registry decides
        that by itself."""
        if not self._can.digests:
            return set()
        going = {self.tags[tag] for tag in self.tags if tag not in self.staying()} | self.loose()
        reached: set[Digest] = set()
        while going - reached:
            reached |= going
            going = {below for each in reached for below in self.below(each)}
            going |= {digest for digest, each in self.made.items() if each.subject in reached}
        return self.made.keys() - reached

    def _may_stay(self, tag: str, needed: set[Digest]) -> bool:
        """Whether a tag that nobody wants may be left, on a manifest that stays."""
        digests, tags = self._can.digests, self._can.tags
        if tags and tags.last_tag == SPARES_ALL:
            return False
        if tags is None and digests and digests.tombstones == SPARES_ALL:
            # It is pushed over, if it is known to have rested.
            pushed = self._candidate(tag).pushed
            return self.tags[tag] in needed and (pushed is None or NOW - pushed.seconds < _GRACE)
        return self.tags[tag] in self._around(needed)

    def _around(self, needed: set[Digest]) -> set[Digest]:
        """With all that a registry may take along, or not let go: what lists it, what it lists, what it refers to."""
        found: set[Digest] = set()
        while needed - found:
            found |= needed
            needed = {child for each in found for child in self.made[each].children}
            needed |= {above for above, each in self.made.items() if found & {*each.children}}
            needed |= {subject for each in found if (subject := self.made[each].subject)}
        return found

    def refused(self) -> bool:
        """ "A policy that empties a repository", and "a keep entry whose `tags` match no tag"."""
        names = self.names
        unmatched = any(
            not entry.optional
            and entry.tags is not None
            and not any(plain_match(pattern, tag) is not None for pattern in entry.tags for tag in names)
            for entry in self.policy.keep
        )
        return unmatched or bool(names and not self.staying() and not self.policy.may_empty)

    def staying(self) -> set[str]:
        """The tags that the rules keep."""
        at = self._served.repository
        facts = Facts(NOW, in_use={Tag(tag): (InUse(ListEntry("a list")),) for tag in self._in_use()})
        candidates = Candidates(at, tuple(self._candidate(tag) for tag in sorted(self.names)))
        return PlainRetention(self.policy, candidates, facts).staying()

    def orphans(self) -> dict[str, bool]:
        """Attached tags whose subject was never there, and whether they go."""
        found = {tag for tag, subject in self.attached.items() if subject not in self.made}
        after = self.policy.orphaned_after
        return {tag: after is not None and tag not in self.late and after < NOW - EARLIER for tag in found}

    def _in_use(self) -> set[str]:
        found = {str(each.tag) for each in self.used if each.tag}
        digests = {each.digest for each in self.used if each.digest}
        for tag in self.names:
            below = self.below(self.tags[tag])
            if digests & (below | {self.made[each].config for each in below}):
                found.add(tag)
        return found

    def _candidate(self, tag: str) -> Candidate:
        digest = self.tags[tag]
        created = self._created(digest)
        pushed = created
        if created is not None and tag in self.late and created.seconds <= EARLIER:
            pushed = Moment(NOW, "first-seen")
        labels: dict[str, frozenset[str]] = {}
        for each in self.below(digest):
            for name, texts in self.made[each].labels.items():
                labels[name] = labels.get(name, frozenset()) | texts
        return Candidate(Tag(tag), digest, pushed, created, None, labels)

    def _created(self, digest: Digest) -> Moment | None:
        """Of an index when the newest of its images was; not known if one of them does not say it."""
        if digest in {self.tags[tag] for tag in self.attached}:
            return Moment(int(dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC).timestamp()), "created")
        made = self.made[digest]
        if not made.children:
            return None if made.created is None else _sensible(made.created)
        times = [self._created(each) for each in self.below(digest) if not self.made[each].children]
        known = [each for each in times if each]
        return max(known) if len(known) == len(times) else None


def _sensible(seconds: int) -> Moment | None:
    """ "A time more than a day ahead, `created` of year 1 or 1970." """
    return (
        Moment(seconds, "created")
        if dt.datetime.fromtimestamp(seconds, dt.UTC).year >= 2013 and (seconds <= NOW + DAY)
        else None
    )


def _rfc3339(seconds: int) -> str:
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)).isoformat()


def _policy(draw: Random, pattern: str, *, told: bool) -> Policy:
    """Of what a registry alone can answer."""
    entries = tuple(
        msgspec.structs.replace(
            drawn_entry(draw),
            branch_exists_in=None,
            branch_head_of=None,
            commits_of=None,
            mentioned_in=None,
            pulled_within=None,
            optional=draw.random() < 0.9,
        )
        for _ in range(draw.randint(1, 3))
    )
    return Policy(
        "drawn",
        (RepositoryPattern(pattern),),
        keep=entries,
        may_empty=draw.random() < 0.5,
        untagged_after=draw.choice([None, 8 * DAY]),
        orphaned_after=draw.choice([None, 8 * DAY]),
        times="created" if told or draw.random() < 0.3 else "pushed",
    )
