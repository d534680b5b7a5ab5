"""The werf 1.1 projects of a file of policies → what decides about each. No option and no variable of `cleanup` has a
part in it: what the file does not say is as `cleanup` has it by default."""

from collections.abc import Mapping
from pathlib import Path

from holystone.engine.model.references import RegistryHost
from holystone.engine.names import parse_address
from holystone.policies.retention.rules import RegistryAccess, WerfProject
from holystone.settings.values import STAGES_GRACE, HistorySettings, ProjectCleanup, ProjectSettings


def project_cleanup(
    project: WerfProject, registries: Mapping[RegistryHost, RegistryAccess], *, synchronize: bool
) -> ProjectCleanup:
    """`synchronize`: its clone fetches what origin has before it counts."""
    v1_2 = project.git_history_v1_2
    return ProjectCleanup(
        images_repo=project.images_repo,
        images_repo_mode=project.images_repo_mode,
        images_implementation=_implementation(project.images_repo, registries),
        stages_storage=project.stages_storage,
        stages_implementation=_implementation(project.stages_storage, registries),
        project=ProjectSettings(
            directory=Path(project.directory),
            config=Path(project.config) if project.config else None,
            name=project.project_name or None,
            default_policies_include_main=project.default_policies_include_main,
        ),
        history=HistorySettings(
            v1_2=v1_2 is not False,
            v1_2_explicit=v1_2 is not None,
            allow_shallow_clone=project.allow_git_shallow_clone,
            synchronize=synchronize,
        ),
        stages_grace=STAGES_GRACE if project.keep_stages_younger_than is None else project.keep_stages_younger_than,
    )


def _implementation(address: str, registries: Mapping[RegistryHost, RegistryAccess]) -> str:
    said = registries.get(host_of(address))
    return (said.implementation if said else None) or "auto"


def host_of(address: str) -> RegistryHost:
    """Canonical."""
    return RegistryHost(parse_address(address).host.removesuffix(":443"))
