from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.command_line import Bench, Ran, bench, now
from tests.support.tiny_project import tiny_project


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Bench]:
    """A tiny project on a registry like distribution 2.8 that everybody may use."""
    with bench(tmp_path) as made:
        tiny_project(made.project, made.registry.storage, now=now())
        yield made


Refuse = Callable[..., str]


@pytest.fixture
def refused() -> Refuse:
    """`refused(shop, *arguments, code=…)`: the one message of a command that must not change anything, checked as
    text and as JSON."""

    def check(
        shop: Bench, *arguments: str, code: int, command: str = "cleanup", env: dict[str, str] | None = None
    ) -> str:
        def run(*more: str) -> Ran:
            given = (*arguments, *more)
            return shop.cleanup(*given, env=env) if command == "cleanup" else shop.run(command, *given, env=env)

        before = shop.contents()
        text = run()
        assert text.code == code, text
        message = text.message
        document = run("--output", "json")
        assert document.code == code
        content = document.json
        assert content["exit_code"] == code
        assert content["ending"] == ("refused" if code == 3 else "failed")
        error = content["error"]
        whole = "\n".join(part for part in (error["message"], error["not_deleted"], error["what_to_do"]) if part)
        assert [line for line in whole.splitlines() if line] == document.message.splitlines()
        assert shop.contents() == before
        assert not {request.method for request in shop.registry.requests} & {"PUT", "POST", "PATCH"}
        return message

    return check
