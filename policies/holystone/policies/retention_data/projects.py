"""The werf 1.1 projects of a file of policies."""

from typing import Final, cast, get_args

from holystone.engine.model.addresses import Address
from holystone.engine.model.references import InvalidName
from holystone.engine.names import has_user_info, parse_address, repository_of
from holystone.policies.retention.rules import Mode, WerfProject
from holystone.policies.retention_data.parts import Part

NEEDED: Final = {
    "directory": "where the project is",
    "images-repo": "where its images are",
    "stages-storage": "where its stages are",
}
V1_2: Final = "git-history-based-cleanup-v1.2"
PROJECT_KEYS: Final = (
    *NEEDED,
    "project-name",
    "config",
    "images-repo-mode",
    "default-policies-include-main",
    V1_2,
    "allow-git-shallow-clone",
    "keep-stages-younger-than",
)
"""Those that are no NEEDED ones are called as the options of `cleanup` that they stand for, since messages name these.
"""
MODES: Final[tuple[str, ...]] = get_args(Mode)


def parse_projects(part: Part | None) -> tuple[WerfProject, ...]:
    """Raises PolicyError."""
    parts = part.listed("projects") if part else ()
    found: dict[object, WerfProject] = {}
    for each in parts:
        project = _project(each)
        at = project.directory, project.config, repository_of(parse_address(project.stages_storage)).canonical
        if at in found:
            raise each.wrong("this project stands here twice")
        found[at] = project
    return tuple(found.values())


def _project(part: Part) -> WerfProject:
    keys = part.keys(PROJECT_KEYS, NEEDED)

    def text(key: str, what: str) -> str:
        return keys[key].text(what) if key in keys else ""

    def truth(key: str) -> bool | None:
        return keys[key].truth() if key in keys else None

    mode, grace = keys.get("images-repo-mode"), keys.get("keep-stages-younger-than")
    _address(keys["images-repo"])
    if _address(keys["stages-storage"]).path is None:
        raise keys["stages-storage"].wrong("this names a registry, and stages need a repository in it")
    return WerfProject(
        directory=text("directory", "a folder"),
        images_repo=text("images-repo", ""),
        stages_storage=text("stages-storage", ""),
        project_name=text("project-name", "the name of the project"),
        config=text("config", "the path of a file"),
        images_repo_mode=cast("Mode", mode.one_of(*MODES)) if mode else "auto",
        default_policies_include_main=bool(truth("default-policies-include-main")),
        git_history_v1_2=truth(V1_2),
        allow_git_shallow_clone=bool(truth("allow-git-shallow-clone")),
        keep_stages_younger_than=grace.duration() if grace else None,
    )


def _address(part: Part) -> Address:
    text = part.text("REGISTRY/REPOSITORY")
    if has_user_info(text):
        raise part.wrong("a name or a password before an '@' does not belong into an address")
    if "://" in text or text.split() != [text]:
        raise part.wrong(f"{text!r} is not REGISTRY/REPOSITORY, without https:// and blanks")
    try:
        return parse_address(text)
    except InvalidName as error:
        raise part.wrong(str(error)) from error
