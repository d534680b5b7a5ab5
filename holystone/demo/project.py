"""Builds a sample project: writes its git repository and pushes its images."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio.to_thread
import yarl

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.large import tell_large_story
from holystone.demo.published import PublishedProject
from holystone.demo.publisher import Publisher
from holystone.demo.small import WERF_YAML, tell_small_story
from holystone.engine.model.addresses import ImagesRepoMode

PROJECT: Final = "shop"


async def build_demo(
    path: Path,
    url: str,
    *,
    now: int,
    mode: ImagesRepoMode = "multirepo",
    images_repo: str = "shop/app",
    stages_storage: str = "shop/stages",
    credentials: tuple[str, str] | None = None,
) -> PublishedProject:
    """The small story. `path` becomes the project directory; `url` is the registry's, `http://host:port`.
    Raises RegistryFailure, in an ExceptionGroup."""
    composer = Composer(
        PROJECT,
        path,
        host=yarl.URL(url).authority,
        now=now,
        mode=mode,
        images_repo=images_repo,
        stages_storage=stages_storage,
        twin_records=False,
    )
    return await build(composer, url, tell_small_story, credentials=credentials)


async def build_large(
    path: Path,
    url: str,
    *,
    now: int,
    seed: int,
    mode: ImagesRepoMode = "multirepo",
    images_repo: str = "shop/app",
    stages_storage: str = "shop/stages",
    credentials: tuple[str, str] | None = None,
) -> PublishedProject:
    """The large story: the same seed, `now` and `url` give the same digests. Raises as `build_demo` does."""
    composer = Composer(
        PROJECT,
        path,
        host=yarl.URL(url).authority,
        now=now,
        mode=mode,
        images_repo=images_repo,
        stages_storage=stages_storage,
    )
    return await build(composer, url, lambda story, to: tell_large_story(story, to, seed=seed), credentials=credentials)


async def build(
    composer: Composer,
    url: str,
    tell: Callable[[GitStory, Composer], None],
    *,
    credentials: tuple[str, str] | None = None,
    token: str = "",
) -> PublishedProject:
    """Any story: `tell` writes history and composes what to publish. Raises RegistryFailure, in an ExceptionGroup."""

    def write() -> None:
        story = GitStory(composer.path)
        (composer.path / "werf.yaml").write_text(WERF_YAML.format(project=composer.project))
        tell(story, composer)

    await anyio.to_thread.run_sync(write)
    async with Publisher(url, credentials=credentials, token=token) as publisher:
        await publisher.push_all(composer.pushes)
    return composer.described()
