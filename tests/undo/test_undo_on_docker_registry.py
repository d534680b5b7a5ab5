"""On the real docker-registry, whose link files are not written atomically: while a tag of a part is put, an index that
lists the part is refused (400 DIGEST_INVALID)."""

from pathlib import Path

import pytest

from tests.contract.stands import stand
from tests.support.command_line import hasty

ROUNDS, INDEXES = 3, 40


@pytest.mark.slow
async def test_tags_of_parts_and_of_what_lists_them_all_come_back(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        with hasty():
            async with stand("docker-registry", folder) as served:
                await served.image("kept", "kept")
                doomed, made = set[str](), []
                for each in range(INDEXES):
                    part = await served.image(f"part {each}", f"t{each:02}-a", f"t{each:02}-c")
                    made += [part, await served.index((part,), f"t{each:02}-b")]
                    doomed |= {f"t{each:02}-{kind}" for kind in "abc"}
                before = await served.state(*(raw.digest for raw in made))
                await served.clean(doomed)
                assert (await served.undo()).lost == ()
                assert await served.state(*(raw.digest for raw in made)) == before
