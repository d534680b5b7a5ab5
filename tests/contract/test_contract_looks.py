"""How often a whole run looks at each tag, from the listing to the check, where no listing says where tags point."""

from pathlib import Path

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3
from holystone.engine.executor.looks import SAMPLE
from tests.contract import stands
from tests.contract.stands import stand
from tests.emulators.default import OtherEmulator
from tests.support.command_line import hasty

TAGS, DOOMED = 580, 50
"""More stay than the check looks at one by one."""
SPARE = 8
"""Questions what can be deleted, and the like."""


class Distribution28(OtherEmulator):
    ways = DISTRIBUTION_2_8


class Distribution3(OtherEmulator):
    ways = DISTRIBUTION_3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "looks"),
    [
        # To plan, then at all tags before the first deletion by digest, which stands for each of those that go.
        (Distribution28, 2 * TAGS),
        # To plan, then at each tag right before it goes by its name, and at the others before the first manifest goes.
        (Distribution3, TAGS + DOOMED + (TAGS - DOOMED)),
    ],
)
async def test_a_tag_is_looked_at_twice_and_a_sample_once_more(
    server: type[OtherEmulator], looks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stands, "emulator", lambda _: server())
    with hasty():
        async with stand("default", tmp_path) as served:
            assert served.emulator
            await served.many_images({f"v{number}": str(number) for number in range(TAGS)})
            served.emulator.recording.clear()
            cache = SqliteDigestCache(None)
            _, plan = await served.plan({f"v{11 * number}" for number in range(DOOMED)}, cache)
            result = await served.apply(plan, cache)
            there, _ = await served.state()
    assert (result.incomplete, result.losses, len(there)) == (False, (), TAGS - DOOMED)
    made = sum(
        each.kind == "manifest" and each.method in ("HEAD", "GET") and "sha256:" not in each.path
        for each in served.emulator.requests
    )
    assert looks + SAMPLE <= made <= looks + SAMPLE + SPARE
