"""The project that the settings speak of: its name, images and keep policies, from werf.yaml, options and files."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from holystone.adapters.werf_yaml.reader import find_werf_config, read_keep_policies, read_werf_config
from holystone.adapters.werf_yaml.sections import LocatedPolicies, WerfConfig, checked_project
from holystone.adapters.yaml.nodes import problem, shown
from holystone.engine.errors import HolystoneError, UsageError
from holystone.engine.model.notices import Notice
from holystone.engine.model.references import ImageName
from holystone.engine.model.source_notices import ConfigNotRead, PolicyMisnamed, ProjectRenamed
from holystone.policies.keep_policies import KeepPolicy, default_keep_policies
from holystone.policies.keep_policies_data import PolicyError, parse_keep_policies
from holystone.settings.options import PROJECT_NAME
from holystone.settings.values import ProjectSettings

_NAMED_BY: Final = f"{PROJECT_NAME.flag} or ${PROJECT_NAME.variables[0]}"


class Project(msgspec.Struct, frozen=True):
    name: str | None
    """What werf labels by: $WERF_PROJECT_NAME (our option wins over it), else werf.yaml's. None if nothing says it,
    which only `:minikube` minds."""
    images: tuple[ImageName, ...]
    """Those of werf.yaml or of the options, without the managed images of the stages storage."""
    keep_policies: tuple[KeepPolicy, ...]
    notes: tuple[Notice, ...] = ()


async def load_project(settings: ProjectSettings) -> Project:
    """Reads werf.yaml unless the options say both the images and the policies, or say the images and there is none.

    So `--image` alone does not replace policies that somebody wrote down. Raises UsageError and IncompleteSource.
    """
    config = await _config(settings)
    images, name, notes = settings.images, settings.name, list[Notice]()
    if config:
        images = images or config.images
        if name and name != config.project:
            notes.append(ProjectRenamed(name, config.project, str(config.source), _NAMED_BY))
        name = name or config.project  # not checked: werf takes any, and labels by it
    else:
        name = _checked(name)
    if not config and settings.config:
        notes.append(ConfigNotRead(str(settings.config)))
    written = config.keep_policies if config else None
    if settings.keep_policies:
        written = await read_keep_policies(settings.keep_policies)
    policies = _understood(written)
    notes += _misnamed(policies)
    return Project(
        name=name,
        images=images,
        keep_policies=policies or default_keep_policies(main=settings.default_policies_include_main),
        notes=tuple(notes),
    )


async def known_project(settings: ProjectSettings) -> Project:
    """The project as far as commands need it that need no images, so that there may be no werf.yaml, and --project-name
    stands in for one that cannot be read. Raises UsageError and IncompleteSource."""
    if not (settings.config or settings.images or find_werf_config(settings.directory)):
        return Project(_checked(settings.name), settings.images, ())
    try:
        return await load_project(settings)
    except HolystoneError:
        if settings.config or not settings.name:
            raise
        return Project(settings.name, settings.images, ())


async def _config(settings: ProjectSettings) -> WerfConfig | None:
    if settings.images and (settings.keep_policies or not (settings.config or find_werf_config(settings.directory))):
        return None
    return await read_werf_config(settings.directory, config=settings.config, templates_dir=settings.templates_dir)


def _understood(written: LocatedPolicies | None) -> tuple[KeepPolicy, ...]:
    if written is None:
        return ()
    try:
        return parse_keep_policies(written.data)
    except PolicyError as error:
        key = shown(("keepPolicies", *error.path))
        raise problem(written.source, written.locate(error.path), f"{key}: {error.message}") from error


def _misnamed(policies: Iterable[KeepPolicy]) -> Iterator[PolicyMisnamed]:
    for kind, pattern in dict.fromkeys((each.references.kind, each.references.pattern) for each in policies):
        if pattern.startswith(("origin/", "refs/")):
            yield PolicyMisnamed(kind, pattern)


def _checked(name: str | None) -> str | None:
    try:
        return name and checked_project(name)
    except ValueError as error:
        raise UsageError(f"--project-name: {error}") from error
