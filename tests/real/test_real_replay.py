"""One list of requests on every real server and on what plays it here: all is answered alike, but for what
differences/replay.toml accepts with its reason."""

from uuid import uuid4

import pytest

from tests.real.accepted import Difference, entries, judged
from tests.real.processes import Running
from tests.real.replay.counterparts import COUNTERPARTS, real_side
from tests.real.replay.replaying import Replaying, compared, connected
from tests.real.servers import Server

pytestmark = pytest.mark.real


@pytest.mark.slow
async def test_it_is_played_as_it_is(server: Server, running: Running, request: pytest.FixtureRequest) -> None:
    counterpart = COUNTERPARTS.get(server.name)
    if counterpart is None:
        pytest.skip("nothing here plays it")
    differences: list[Difference] = []
    async with counterpart.made() as model, connected() as session:
        for chapter, asked in counterpart.chapters.items():
            real, played = [
                await Replaying(session, side, f"{side.account}/{uuid4().hex[:12]}").run(asked)
                for side in (real_side(running), counterpart.side(model))
            ]
            differences += compared(server.name, chapter, real, played, counterpart.by_chance)
    found = judged(server.name, differences, entries("replay"))
    row = {
        "server": server.name,
        "version": running.version,
        "played by": counterpart.name,
        "requests": str(sum(map(len, counterpart.chapters.values()))),
        "differ": str(len(differences)),
        "of them accepted": str(len(found.accepted)),
    }
    request.node.user_properties.append(("replay", row))
    assert not found.faults, "\n".join(found.faults)
