"""The sample projects are what they say they are: read back from the registry and from git."""

import json
from collections import Counter
from pathlib import Path

import anyio
import pygit2
import pytest

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.large import tell_large_story
from holystone.demo.project import build, build_demo, build_large
from holystone.demo.published import PublishedProject
from holystone.demo.stages import Content
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.server import EmbeddedRegistry
from holystone.embedded.storage import Storage
from holystone.engine.errors import RegistryFailure
from holystone.engine.model.addresses import ImagesRepoMode
from holystone.engine.model.image_config import ImageConfig, parse_config
from holystone.engine.model.manifests import RawManifest, parse_manifest
from holystone.engine.model.references import Commit
from holystone.policies.werf.v1.labels import imports
from holystone.policies.werf.v1.stages import parse_stage_tag
from tests.support.docker_registry import PASSWORD, USER, docker_registry
from tests.support.programs import require

NOW = 1_700_000_000


def config_of(storage: Storage, repository: str, tag: str) -> ImageConfig:
    stored = storage.find(repository, tag)
    assert stored is not None
    manifest = parse_manifest(RawManifest(stored.digest, stored.media_type, stored.body))
    assert manifest.config is not None
    body = storage.find_blob(repository, manifest.config)
    assert body is not None
    return parse_config(manifest.config, body)


def check(project: PublishedProject, storage: Storage) -> None:
    """Everything that is described is there, and nothing else."""
    listed = Counter((name, tag) for name, state in storage.repositories.items() for tag in state.tags)
    stages = project.stages_storage
    described = Counter(
        [(tag.repository, tag.tag) for tag in project.tags]
        + [(stages, stage.tag) for stage in project.stages]
        + [(stages, record.tag) for record in project.metadata]
        + [(stages, tag) for tag in (*project.managed, *project.rejected)]
        + [(extra.repository, extra.tag) for extra in project.extras]
    )
    assert listed == described

    by_tag = {stage.tag: stage for stage in project.stages}
    for stage in project.stages:
        config = config_of(storage, stages, stage.tag)
        assert (config.digest, config.parent, config.created) == (stage.image_id, stage.parent, stage.created)
        assert imports(config.labels) == stage.imports
        assert parse_stage_tag(stage.tag) is not None
    for tag in project.tags:
        config = config_of(storage, tag.repository, tag.tag)
        chain = [by_tag[each] for each in tag.stages]
        assert [stage.parent for stage in chain] == [None, *(stage.image_id for stage in chain[:-1])]
        assert (config.digest, config.parent) == (tag.image_id, chain[-1].image_id)
        assert (config.labels["werf-image"], config.labels["werf-image-name"]) == ("true", tag.image)
        assert config.labels["werf-content-signature"] == tag.signature
        assert config.created == tag.created
        assert set(imports(config.labels)) <= {by_tag[each].image_id for each in tag.imported}
    for record in project.metadata:
        assert config_of(storage, stages, record.tag).labels["ContentSignature"] == record.signature


async def test_the_demo_is_small_and_complete(tmp_path: Path) -> None:
    async with EmbeddedRegistry() as registry:
        project = await build_demo(tmp_path, registry.url, now=NOW)
        check(project, registry.storage)
    assert project.images == ("backend", "front", "frontend")
    assert (tmp_path / "werf.yaml").read_text().startswith("configVersion: 1\nproject: shop\n")
    repository = pygit2.Repository(str(tmp_path))
    references = set(repository.references)
    assert {f"refs/tags/v{tag}" for tag in ("1.0.0", "1.1.0", "2.0.0")} <= references
    assert "refs/remotes/origin/feature/old-idea" in references
    assert "refs/remotes/origin/feature/login" not in references
    assert {commit for tag in project.tags for commit in tag.commits} <= {Commit(str(each)) for each in repository}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["multirepo", "monorepo"])
async def test_the_large_project_has_every_shape(tmp_path: Path, mode: ImagesRepoMode) -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry:
        project = await build_large(tmp_path, registry.url, now=NOW, seed=7, mode=mode)
        check(project, registry.storage)
    repository = pygit2.Repository(str(tmp_path))
    commits = [each for each in repository if isinstance(repository[each], pygit2.Commit)]
    branches = [ref for ref in repository.references if ref.startswith("refs/remotes/origin/")]
    tags = [ref for ref in repository.references if ref.startswith("refs/tags/")]
    kinds = {type(repository[repository.references[ref].target]) for ref in tags}
    assert len(commits) >= 300
    assert len(branches) > 12
    assert len(tags) >= 15
    assert kinds == {pygit2.Commit, pygit2.Tag}
    assert len(project.tags) >= 100
    assert any(tag.imported for tag in project.tags)
    assert any(len(tag.commits) > 1 for tag in project.tags)
    assert any(commit not in repository for tag in project.tags for commit in tag.commits)
    assert len(project.rejected) == 3
    assert {len(extra.needs) for extra in project.extras} >= {0, 1, 2, 3}
    assert len(project.referrers) == 2


@pytest.mark.slow
def test_the_same_seed_gives_the_same_project(tmp_path: Path) -> None:
    def pushed(seed: int, name: str) -> tuple[tuple[str, str], ...]:
        composer = Composer("shop", tmp_path / name, host="localhost:5000", now=NOW)
        tell_large_story(GitStory(composer.path), composer, seed=seed)
        return tuple((push.reference, push.built.digest) for push in composer.pushes)

    assert pushed(1, "one") == pushed(1, "again")
    assert pushed(1, "once more") != pushed(2, "two")


async def test_a_strategy_names_the_tag_and_pushing_it_again_replaces_it(tmp_path: Path) -> None:
    composer = Composer("shop", tmp_path, host="localhost:5000", now=NOW, mode="monorepo")
    commit = Commit("0" * 40)
    first = composer.publish("front", commit, Content(), at=NOW, strategy="git-branch", name="feature/login")
    second = composer.publish("front", commit, Content(code=2), at=NOW, strategy="git-branch", name="feature/login")
    assert (first.tag, first.meta_tag) == ("front-feature-login-723b424c", "feature-login-723b424c")
    described = composer.described()
    assert described.tags == (second,)
    assert set(first.stages) | set(second.stages) == {stage.tag for stage in described.stages}
    assert [push.built.digest for push in composer.pushes if push.reference == first.tag] == [second.digest]


async def test_a_refused_push_says_what_the_registry_said(tmp_path: Path) -> None:
    composer = Composer("shop", tmp_path, host="localhost:5000", now=NOW)
    async with EmbeddedRegistry() as registry:
        with pytest.RaisesGroup(pytest.RaisesExc(RegistryFailure, match="404")):
            await build(composer, f"{registry.url}/nowhere", lambda _, to: to.manage("front"))


@pytest.mark.slow
async def test_a_real_registry_and_skopeo_take_it(tmp_path: Path) -> None:
    skopeo = require("skopeo")
    async with docker_registry(tmp_path / "registry", basic_auth=True) as registry:
        project = await build_demo(tmp_path / "clone", registry.url, now=NOW, credentials=(USER, PASSWORD))
        tag = project.tags[-1]
        arguments = ("inspect", "--tls-verify=false", "--creds", f"{USER}:{PASSWORD}")
        got = await anyio.run_process([skopeo, *arguments, f"docker://{registry.host}/{tag.repository}:{tag.tag}"])
        read = json.loads(got.stdout)
        assert (read["Digest"], read["Labels"]["werf-image-name"]) == (tag.digest, tag.image)
        assert len(read["Layers"]) == len(tag.stages)
        arguments = ("copy", "--src-tls-verify=false", "--src-creds", f"{USER}:{PASSWORD}")
        source = f"docker://{registry.host}/{tag.repository}@{tag.digest}"
        await anyio.run_process([skopeo, *arguments, source, f"dir:{tmp_path / 'copy'}"])
