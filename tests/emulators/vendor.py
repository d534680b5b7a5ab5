"""What the emulators of all vendors have in common: what the contract suite can ask of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from holystone.embedded.errors import ErrorReply
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.quirks import OCI, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.embedded.storage import Storage


@dataclass(frozen=True)
class Login:
    """How a user who may do everything logs in: what a test puts into the environment and Docker's configuration."""

    environ: Mapping[str, str] = field(default_factory=dict)
    docker_config: Mapping[str, object] = field(default_factory=dict)
    """`config.json`."""
    secrets: tuple[str, ...] = ()
    """Everything that must never be seen in an output."""


class NotHere(Exception):
    """The vendor has no such thing; the text says why. The contract suite skips the scenario with it."""


class VendorEmulator(EmbeddedRegistry):
    """Subclasses set `implementation` and `path`, override `answer` (calling `super().answer` for /v2), and as many of
    the methods below as the vendor allows. `clock` is unix time, for tokens, quotas and push times."""

    implementation: str
    path = "team/app"
    """Of the repository that the contract suite uses."""
    names: tuple[str, ...] = ()
    """Hosts that lead here over TLS (see `support/internet.py`), the registry's own first."""

    def __init__(self, *, quirks: Quirks = OCI, clock: Callable[[], float] | None = None) -> None:
        super().__init__(quirks=quirks, storage=Storage(clock) if clock else Storage())
        self.throttled = 0
        """How many of the next requests are refused by the vendor's own throttling."""
        self.deletable = True
        """False: the credential may read and not delete."""

    def login(self) -> Login:
        raise NotImplementedError

    def catalog_login(self) -> Login:
        """The same, if repositories can be listed so."""
        return self.login()

    def bad_login(self) -> Login:
        """The same with a wrong or expired secret."""
        raise NotImplementedError

    def weak_login(self) -> Login:
        """May read but not delete."""
        raise NotHere("the vendor has no rights that differ")

    @property
    def host(self) -> str:
        return self.names[0] if self.names else super().host

    @property
    def url(self) -> str:
        return self.origin(self.host)

    def origin(self, host: str) -> str:
        return f"https://{host}" if self.names else super().origin(host)

    @property
    def environ(self) -> Mapping[str, str]:
        """What leads the program to this server instead of the vendor's own: variables of its options."""
        return {
            "WERF_REPO_IMPLEMENTATION": self.implementation,
            "HOLYSTONE_REPO_API_URL": self.url,
        }

    def throttle(self, times: int) -> None:
        """The next so many requests are refused as the vendor does it."""
        self.throttled = times

    def expire_tokens(self) -> None:
        """All tokens that were handed out end now."""
        raise NotHere("the vendor hands out no tokens")

    def lock(self, path: str, tag: str) -> None:
        """A rule of the vendor's forbids to delete this tag."""
        raise NotHere("the vendor cannot lock a tag")

    def answer(self, request: Incoming) -> Reply:
        if self.throttled and self.may_throttle(request):
            self.throttled -= 1
            return self.throttling()
        return super().answer(request)

    def may_throttle(self, request: Incoming) -> bool:
        return True

    def throttling(self) -> Reply:
        """The vendor's own way of saying "later"."""
        raise NotImplementedError


def json_error(status: int, body: object, headers: Mapping[str, str] | None = None) -> ErrorReply:
    return ErrorReply(Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}))
