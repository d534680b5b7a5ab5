"""Where a mistake deletes what is wanted, and the tests that should notice it, the nearest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TOP: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Room:
    name: str
    sources: tuple[str, ...]
    """Files, or folders of them."""
    tests: tuple[str, ...]
    """Files, or folders of them."""

    def modules(self) -> Iterator[str]:
        for source in self.sources:
            files = sorted((TOP / source).glob("*.py")) if (TOP / source).is_dir() else [TOP / source]
            yield from (str(file.relative_to(TOP)) for file in files)


_ENGINE: Final = "engine/holystone/engine"
_STATE: Final = "adapters/holystone/adapters/state"
_HTTP: Final = "adapters/holystone/adapters/http"
_PLANNER: Final = ("assemble", "baseline", "cost", "facts", "refusals", "repository", "steps")
_READING: Final = ("command_line", "counting", "entries", "file", "includes", "parts", "policies", "tags")
_REDIRECTS: Final = ("authorization", "authorizer", "challenge", "hosts", "rates", "transport", "trust", "wire")

ROOMS: Final = {
    room.name: room
    for room in (
        Room("closure", (f"{_ENGINE}/closure",), ("tests/closure", "tests/planner")),
        Room(
            "planner",
            tuple(f"{_ENGINE}/planner/{each}.py" for each in _PLANNER),
            ("tests/planner", "tests/closure", "tests/workflows/test_confirmation.py"),
        ),
        Room("proof", (f"{_ENGINE}/planner/check.py",), ("tests/planner",)),
        Room(
            "guard",
            (f"{_ENGINE}/executor/guard.py", f"{_ENGINE}/executor/tag_resolver.py"),
            ("tests/executor",),
        ),
        Room(
            "check",
            tuple(f"{_ENGINE}/executor/{each}.py" for each in ("check", "compare", "looks")),
            ("tests/executor", "tests/promises/test_promise_9_seen.py"),
        ),
        Room(
            "retention-data",
            tuple(f"policies/holystone/policies/retention_data/{each}.py" for each in _READING),
            ("tests/retention_file",),
        ),
        Room("undo", (f"{_ENGINE}/undo",), ("tests/undo",)),
        Room("journal", (f"{_STATE}/sqlite",), ("tests/state",)),
        Room(
            "paging",
            (f"{_HTTP}/paging.py", f"{_HTTP}/links.py"),
            ("tests/http/test_http_parsing.py", "tests/registries/test_named_replies.py"),
        ),
        Room("credentials", ("adapters/holystone/adapters/credentials",), ("tests/credentials",)),
        Room(
            "redirects",
            tuple(f"{_HTTP}/{each}.py" for each in _REDIRECTS),
            ("tests/http", "tests/credentials/test_secret.py"),
        ),
    )
}
