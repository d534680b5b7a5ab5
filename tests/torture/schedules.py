"""From a seed to what happens in a trial. The same seed and number give the same schedule; when requests run at the
same time, which of them a fault meets may differ."""

import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

from tests.torture.faults import Fault, Kind, Network, Noticeable
from tests.torture.messages import Request
from tests.torture.world import WORLDS

Part: TypeAlias = Literal["faults", "lies", "kills"]
Server: TypeAlias = Literal["docker-registry", "distribution-3"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
SERVERS_TRIED: Final[tuple[Server, ...]] = get_args(Server)

_SHARE_OF_LIES: Final = 3
"""One of so many schedules is of lies that can be noticed, the others of the network's faults."""
_ATTEMPT: Final = 3.0
"""Seconds outside that one attempt of the command has, at QUICK times the speed of time."""
QUICK: Final = 20.0

_NETWORK: Final[tuple[Kind, ...]] = get_args(Network)
_NOTICEABLE: Final[tuple[Kind, ...]] = get_args(Noticeable)
WAITS: Final = frozenset(("stall-before", "stall-after", "late", "slow", "down", "later"))
_STATUSES: Final = (500, 502, 503, 504, 429, 408)
_ABOUT: Final = {
    "old-listing": ("list",),
    "cut-listing": ("list",),
    "other-listing": ("list",),
    "cut-json": ("list", "digest", "blob"),
    "other-body": ("digest", "blob"),
    "other-digest": ("digest",),
    "portal": ("list", "tag", "digest", "blob"),
    "still-there": ("tag", "digest"),
}
_WRITES: Final = frozenset(("no-effect",))


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests something happens to. A single fault is a share of 1, once; a burst a share of 1 between two
    numbers; a storm a small share for as long as it lasts."""

    kinds: tuple[Kind, ...]
    share: float = 1.0
    since: int = 1
    until: int = 1_000_000
    times: int = 1_000_000
    methods: frozenset[str] = frozenset()
    """None: all."""
    seconds: float | None = None
    """Of outside time, where they are not drawn."""

    def meets(self, request: Request) -> bool:
        return self.since <= request.n <= self.until and (not self.methods or request.method in self.methods)


@dataclass(frozen=True, slots=True)
class Kill:
    how: signal.Signals
    share: float
    """Of the requests that an undisturbed command sends; above 1 only what comes after the last."""
    after_seconds: float = 0.0
    """Instead, where it is not 0."""


@dataclass(frozen=True, slots=True)
class Schedule:
    seed: int
    number: int
    part: Part
    server: Server
    world: int
    lock: bool
    one_at_a_time: bool
    warm: bool
    """What an earlier run has read of manifests is known."""
    rules: tuple[Rule, ...] = ()
    disturbed: int = 1
    """Commands until the network heals."""
    kills: tuple[Kill, ...] = ()
    """One a command, as long as there are some."""
    undo: bool = False

    def __str__(self) -> str:
        options = [name for name in ("lock", "one_at_a_time", "warm", "undo") if getattr(self, name)]
        what = [f"{'+'.join(r.kinds)}×{r.share:g}[{r.since}-{r.until}]≤{r.times}" for r in self.rules]
        what += [f"{k.how.name}@{k.after_seconds or k.share:.3f}" for k in self.kills]
        return f"{self.part} {self.number} (seed {self.seed}): {self.server}, world {self.world}, " + ", ".join(
            [*options, *what, f"{self.disturbed} disturbed"]
        )


def schedule(seed: int, part: Part, number: int) -> Schedule:
    dice = random.Random(f"{seed}/{part}/{number}")
    server: Server = ("docker-registry", "distribution-3")[dice.random() < 0.4]
    world, lock = dice.randrange(WORLDS), dice.random() < 0.25
    alone, undo, warm = dice.random() < 0.2, dice.random() < 0.2, dice.random() < 0.5
    if part == "kills":
        kills = tuple(_kill(dice) for _ in range(dice.choice((1, 1, 1, 2, 2, 3))))
        return Schedule(seed, number, part, server, world, lock, alone, warm, kills=kills, undo=undo)
    make = _network if part == "faults" else _lies
    rules, lasting = make(dice), dice.choice((1, 1, 1, 2, 3))
    return Schedule(seed, number, part, server, world, lock, alone, warm, rules, lasting, undo=undo)


def part_of(number: int) -> Part:
    """Of the schedules of faults: which class has this number."""
    return "lies" if number % _SHARE_OF_LIES == 0 else "faults"


def decider(of: Schedule, command: int) -> Callable[[Request], Fault | None]:
    """For one command of the trial."""
    met: Counter[int] = Counter()

    def decide(request: Request) -> Fault | None:
        for index, rule in enumerate(of.rules):
            if met[index] >= rule.times or not rule.meets(request):
                continue
            dice = random.Random(f"{of.seed}/{of.number}/{command}/{index}/{request.n}")
            if dice.random() >= rule.share:
                continue
            kind = dice.choice(rule.kinds)
            if request.about not in _ABOUT.get(kind, (request.about,)):
                continue
            if kind in _WRITES and request.method not in ("DELETE", "PUT"):
                continue
            met[index] += 1
            made = _fault(kind, dice)
            return made if rule.seconds is None else replace(made, seconds=rule.seconds)
        return None

    return decide


def _fault(kind: Kind, dice: random.Random) -> Fault:
    match kind:
        case "stall-before" | "stall-after":
            seconds = 2 * _ATTEMPT
        case "late" | "slow":
            seconds = dice.choice((0.05, 0.3, 1.0, 0.9 * _ATTEMPT))
        case "down":
            seconds = dice.choice((0.02, 0.2, 1.0, 2.0))
        case "dup" | "early-error" | "idle-408":
            seconds = dice.choice((0.0, 0.001, 0.003, 0.02))
        case _:
            seconds = 0.0
    return Fault(kind, seconds, dice.choice(_STATUSES), dice.randrange(1 << 20))


def _kill(dice: random.Random) -> Kill:
    how = dice.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
    if dice.random() < 0.15:
        return Kill(how, 0.0, after_seconds=dice.uniform(0.05, 2.5))
    return Kill(how, dice.choice((dice.random(), dice.uniform(0.5, 1.03))))


def _network(dice: random.Random) -> tuple[Rule, ...]:
    shape = dice.choice(("single", "few", "burst", "storm", "storm", "sticky"))
    quick = tuple(kind for kind in _NETWORK if kind not in WAITS)
    match shape:
        case "single":
            return (_single(dice, dice.choice(_NETWORK)),)
        case "few":
            return tuple(_single(dice, dice.choice(_NETWORK)) for _ in range(dice.randint(2, 6)))
        case "burst":
            since, kind = dice.randint(1, 380), dice.choice(_NETWORK)
            long = 4 if kind in WAITS else dice.choice((5, 20, 60))
            return (Rule((kind,), since=since, until=since + long),)
        case "storm":
            kinds = tuple(dice.sample(quick, dice.randint(2, 8)))
            waiting = Rule((dice.choice(tuple(sorted(WAITS - {"down"}))),), 0.02, times=6)  # type: ignore[arg-type]
            return (Rule(kinds, dice.choice((0.01, 0.05, 0.05, 0.15))), waiting)
        case _:
            method = dice.choice(("DELETE", "PUT", "HEAD", "GET"))
            kind = dice.choice(_NETWORK)
            times = dice.randint(1, 3) if kind in WAITS else dice.randint(1, 12)
            return (Rule((kind,), times=times, since=dice.randint(1, 300), methods=frozenset({method})),)


def _lies(dice: random.Random) -> tuple[Rule, ...]:
    kind = dice.choice(_NOTICEABLE)
    match dice.choice(("single", "storm", "sticky", "mixed")):
        case "single":
            return (Rule((kind,), since=dice.randint(1, 300), times=1),)
        case "storm":
            return (Rule((kind,), dice.choice((0.01, 0.02, 0.05))),)
        case "sticky":
            return (Rule((kind,), since=dice.randint(1, 300), times=dice.randint(2, 10)),)
        case _:
            honest = tuple(dice.sample([each for each in _NETWORK if each not in WAITS], 3))
            return (Rule((kind,), 0.02), Rule(honest, 0.02))


def _single(dice: random.Random, kind: Kind) -> Rule:
    return Rule((kind,), since=dice.randint(1, 420), times=1)
