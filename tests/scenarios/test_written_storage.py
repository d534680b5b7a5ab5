"""What is written straight into a distribution's storage is, file by file, what a push leaves there."""

from pathlib import Path

from holystone.demo.composer import Composer
from holystone.demo.publisher import Publisher
from holystone.demo.stages import Content
from holystone.engine.model.references import Commit
from tests.support.distribution_storage import write
from tests.support.docker_registry import docker_registry
from tests.support.scenes import compose


def composed(folder: Path) -> Composer:
    composer = compose(folder, "registry.example", "multirepo", now=1_700_000_000)
    tags = [
        composer.publish("front", Commit(f"{n}" * 40), Content(code=n), at=1_600_000_000 + n, artifact=("assets", 1))
        for n in (1, 2)
    ]
    composer.sign(tags[0])
    composer.alias(tags[1], "by-hand")
    composer.multi_platform(str(tags[0].repository), "everywhere", at=1_600_000_000, nested=True)
    return composer


def files(storage: Path) -> dict[str, bytes]:
    return {str(file.relative_to(storage)): file.read_bytes() for file in storage.rglob("*") if file.is_file()}


async def test_what_is_written_is_what_a_push_leaves(tmp_path: Path) -> None:
    composer = composed(tmp_path / "clone")
    write(tmp_path / "written", composer.pushes)
    async with docker_registry(tmp_path / "registry") as registry, Publisher(registry.url) as publisher:
        await publisher.push_all(composer.pushes)
        pushed = files(registry.storage)
    assert len(pushed) > 100
    assert files(tmp_path / "written") == pushed
