"""What decides about a project of a file of policies."""

from pathlib import Path

import msgspec
import pytest

from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost
from holystone.policies.retention.rules import RegistryAccess, WerfProject
from holystone.settings.file_projects import project_cleanup
from holystone.settings.prune import resolve_prune
from holystone.settings.resolve import resolve
from holystone.settings.values import ProjectCleanup
from tests.settings.test_prune_logins import HARBORS, OURS

PLAIN = WerfProject(directory="/srv/blog", images_repo="r.example/blog", stages_storage="s.example:443/blog")


def test_what_is_not_said_is_as_a_cleanup_has_it() -> None:
    options = {"images_repo": "r.example/blog", "stages_storage": "s.example:443/blog", "dir": "/srv/blog"}
    cleanup = resolve(options, {"HOME": "/home/me"})
    found = project_cleanup(PLAIN, {}, synchronize=False)
    assert msgspec.structs.asdict(found) == {name: getattr(cleanup, name) for name in ProjectCleanup.__struct_fields__}


def test_what_is_said_is_as_the_options_of_a_cleanup_say_it() -> None:
    options = {
        "images_repo": "r.example/blog",
        "stages_storage": "s.example:443/blog",
        "dir": "/srv/blog",
        "project_name": "store",
        "config": "/srv/other.yaml",
        "images_repo_mode": "monorepo",
        "default_policies_include_main": "true",
        "git_history_based_cleanup_v1_2": "false",
        "allow_git_shallow_clone": "true",
        "git_history_synchronization": "true",
        "keep_stages_younger_than": "72h",
        "images_repo_implementation": "harbor",
        "stages_storage_repo_implementation": "default",
    }
    cleanup = resolve(options, {"HOME": "/home/me"})
    said = msgspec.structs.replace(
        PLAIN,
        project_name="store",
        config="/srv/other.yaml",
        images_repo_mode="monorepo",
        default_policies_include_main=True,
        git_history_v1_2=False,
        allow_git_shallow_clone=True,
        keep_stages_younger_than=72 * 3600,
    )
    registries = {
        RegistryHost("r.example"): RegistryAccess("harbor"),
        RegistryHost("s.example"): RegistryAccess("default"),
    }
    found = project_cleanup(said, registries, synchronize=True)
    assert msgspec.structs.asdict(found) == {name: getattr(cleanup, name) for name in ProjectCleanup.__struct_fields__}


def test_a_login_of_one_registry_is_shown_to_none_of_several_projects(tmp_path: Path) -> None:
    file = tmp_path / "holystone.yaml"
    head = f"format: 1\nin-use: {{kubernetes: none}}\nregistries: {{{HARBORS}}}\nprojects:\n"
    file.write_text(
        f"{head}- {{directory: blog, images-repo: a.example.com/blog, stages-storage: b.example.com/blog/stages}}\n"
    )
    with pytest.raises(UsageError, match=r"login of one registry, and several are harbor: a\.ex.*b\.ex"):
        resolve_prune({"config": str(file)}, {"HOME": str(tmp_path), **OURS}, ())
    file.write_text(
        f"{head}- {{directory: blog, images-repo: a.example.com/blog, stages-storage: a.example.com/blog/stages}}\n"
    )
    made = resolve_prune({"config": str(file)}, {"HOME": str(tmp_path), **OURS}, ())
    assert {place: {*access.logins} for place, access in made.registry.access.items()} == {
        "images": {"harbor"},
        "stages": {"harbor"},
    }
