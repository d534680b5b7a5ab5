"""Settings of a run, as frozen values; `resolve` makes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias

import msgspec

from holystone.adapters.credentials.reference import Login, SecretReference
from holystone.adapters.http.hosts import NOWHERE, Hosts
from holystone.adapters.registries.reach import Access, NamedRegistries, TokenServer
from holystone.engine.errors import UsageError
from holystone.engine.model.plan import Place
from holystone.engine.model.references import ImageName, RegistryHost
from holystone.policies.werf.v1.tag_strategy import StrategyRules
from holystone.settings.places import ProjectPlaces
from holystone.settings.run import LogSettings, RunSettings

DAY: Final = 24 * 60 * 60
STAGES_GRACE: Final = 2 * 60 * 60
"""Seconds: unless something else is said, every younger stage is kept."""
Implementation: TypeAlias = str
"""`auto`, or one of `registries.implementations`."""
Mode: TypeAlias = Literal["auto", "multirepo", "monorepo"]


class RegistrySettings(msgspec.Struct, frozen=True):
    docker_config: Path
    """The folder of config.json."""
    insecure: Hosts = NOWHERE
    unverified: Hosts = NOWHERE
    concurrency: int | None = 10
    """Requests at once to one registry; None: no limit."""
    trusted_token_servers: tuple[TokenServer, ...] = ()
    access: Mapping[Place, Access] = {}
    named: NamedRegistries | None = None
    """Of commands that take their addresses from elsewhere."""
    by_host: Mapping[RegistryHost, Login] = {}
    """Stand in for the logins of Docker's configuration."""


class ProjectSettings(msgspec.Struct, frozen=True):
    directory: Path = Path()
    config: Path | None = None
    """Seen from the current directory; None: find it in `directory`."""
    templates_dir: Path | None = None
    images: tuple[ImageName, ...] = ()
    """Stand in for those of werf.yaml, if there are any."""
    keep_policies: Path | None = None
    """Stands in for the policies of werf.yaml."""
    name: str | None = None
    """Counts before that in werf.yaml."""
    default_policies_include_main: bool = False

    def without_policies(self) -> Self:
        return msgspec.structs.replace(self, keep_policies=None, default_policies_include_main=False)


class HistorySettings(msgspec.Struct, frozen=True):
    decides: bool = True
    """False: tag strategies decide."""
    v1_2: bool = True
    """Images without metadata are deleted too."""
    v1_2_explicit: bool = False
    """An option or variable said so, which confirms that no image having metadata is no mistake."""
    allow_shallow_clone: bool = False
    synchronize: bool = False
    strategies: StrategyRules = StrategyRules()
    """Count where tag strategies decide."""


class KubernetesSettings(msgspec.Struct, frozen=True):
    default_config: Path
    config: tuple[Path, ...] | None = None
    """Merged; those that do not exist are left out. None: `default_config`, else a pod's own cluster."""
    config_base64: SecretReference | None = None
    """Counts before `config`."""
    context: str | None = None
    """None: all."""
    said: tuple[str, ...] | Literal["all", "none"] | None = None
    """By a file of policies: the contexts that are asked; None: there is no such file."""
    excluded: tuple[str, ...] = ()
    context_namespace_only: bool = False
    without: bool = False


class ApplySettings(msgspec.Struct, frozen=True):
    """Settings of `apply`, `resume`, `undo` and `runs give-up`."""

    registry: RegistrySettings
    run: RunSettings
    log: LogSettings
    kubernetes: KubernetesSettings
    in_use: tuple[Path | None, ...] = ()
    """Lists of images in use; None: standard input."""
    places: ProjectPlaces = ProjectPlaces()
    """The project that runs and plans must be of."""
    max_age: int = DAY
    """Seconds that a plan may be old."""


class StorageSettings(msgspec.Struct, frozen=True):
    stages_storage: str
    """An address, not parsed yet."""
    stages_implementation: Implementation


class ImagesSettings(StorageSettings, frozen=True):
    images_repo: str
    """An address, not parsed yet; `:minikube` needs the project's name, see `images_repo_of`."""
    images_repo_mode: Mode
    images_implementation: Implementation

    def images_repo_of(self, project: str | None) -> str:
        """The address of the images repo, `:minikube` put into words. Raises UsageError if that needs a name."""
        if self.images_repo != ":minikube":
            return self.images_repo
        if project is None:
            raise UsageError(
                "--images-repo :minikube needs the project's name, and no werf.yaml was read",
                what_to_do="Give --project-name NAME.",
            )
        return f"werf-registry.kube-system.svc.cluster.local:5000/{project}"


class DirectSettings(msgspec.Struct, frozen=True):
    """Settings of commands that do as they are told, without policy, history or cluster: purge and managed-images."""

    places: StorageSettings | ImagesSettings
    """The stages storage alone where the images repo is neither needed nor given."""
    registry: RegistrySettings
    project: ProjectSettings
    run: RunSettings
    log: LogSettings
    notes: tuple[str, ...] = ()
    """Sentences to be said once: what was given and has no effect."""

    def address(self, *, images_first: bool) -> str:
        """What the user calls the place that a command is about."""
        if images_first and isinstance(self.places, ImagesSettings):
            return self.places.images_repo
        return self.places.stages_storage

    def to_apply(self) -> ApplySettings:
        """The settings with which their plan is carried out: nobody is asked what is in use."""
        return ApplySettings(self.registry, self.run, self.log, KubernetesSettings(Path(), without=True))


class ProjectCleanup(ImagesSettings, frozen=True):
    """Where a project is, and what decides about it: all that is its own, where one run cleans several."""

    project: ProjectSettings
    history: HistorySettings
    stages_grace: int
    """Seconds: every younger stage is kept."""


class CleanupSettings(ProjectCleanup, frozen=True):
    registry: RegistrySettings
    kubernetes: KubernetesSettings
    in_use: tuple[Path | None, ...]
    """Lists of images in use; None: standard input."""
    run: RunSettings
    log: LogSettings
    allow_clock_skew: bool = False
    notes: tuple[str, ...] = ()
    """Sentences to be said once: what was given and has no effect."""

    def to_apply(self) -> ApplySettings:
        """The settings with which their plan is carried out."""
        return ApplySettings(self.registry, self.run, self.log, self.kubernetes, self.in_use)

    def direct(self) -> DirectSettings:
        """The same project's for what asks no policy."""
        return DirectSettings(self, self.registry, self.project.without_policies(), self.run, self.log)
