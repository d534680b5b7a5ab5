"""The settings of `prune`: a file of policies, or patterns of repositories and entries on the command line; and of a
look at what it would do."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from holystone.adapters.credentials.reference import AsGiven, Login, PasswordLogin
from holystone.adapters.registries.detection import is_vendors_own, named
from holystone.adapters.registries.reach import Access
from holystone.engine.errors import UsageError, shell_word
from holystone.engine.model.addresses import Address
from holystone.engine.model.plan import Place
from holystone.engine.model.references import RegistryHost, Repository
from holystone.policies.retention.narrowed import is_about
from holystone.policies.retention.project_places import lies_in
from holystone.policies.retention.reach import reach, reaches
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Clusters, Policy, RegistryAccess, RetentionFile
from holystone.settings import intent_options as intent
from holystone.settings import options as o
from holystone.settings.access import resolve_shared_access
from holystone.settings.clusters import resolve_clusters, resolve_lists
from holystone.settings.file_projects import host_of
from holystone.settings.given import Given, GivenValue, Options
from holystone.settings.resolve import registry_settings
from holystone.settings.retention_file import keep_entries, load_retention_file
from holystone.settings.run import LogSettings, RunSettings, log_settings, run_settings
from holystone.settings.secrets import login_reference, secret_reference
from holystone.settings.untold_pulls import untold_pulls
from holystone.settings.values import ApplySettings, KubernetesSettings, RegistrySettings
from holystone.settings.vendor_options import VENDOR_OPTIONS

_OF_THE_COMMAND_LINE: Final = "command line"
_API_URL: Final = VENDOR_OPTIONS["repo-api-url"]
_SHOWN: Final = 5
_OF_CLUSTERS: Final = (
    intent.KUBE_CONTEXT,
    intent.EXCLUDE_KUBE_CONTEXT,
    intent.SCAN_CONTEXT_NAMESPACE_ONLY,
    intent.WITHOUT_KUBE,
)


class PruneSettings(msgspec.Struct, frozen=True):
    retention: RetentionFile
    registry: RegistrySettings
    kubernetes: KubernetesSettings
    in_use: tuple[Path | None, ...]
    """Lists of images in use; None: standard input."""
    run: RunSettings
    log: LogSettings
    allow_clock_skew: bool = False
    synchronize: bool = False
    """Clones fetch what origin has before it counts."""
    notes: tuple[str, ...] = ()
    """Sentences to be said once: what was given and has no effect."""
    places: Mapping[str, tuple[str, ...]] = {}
    """Where the entries of each policy stand, by the policy's name; empty for those of the command line."""
    file: Path | None = None
    """Of the policies; None: they are of the command line."""

    def to_apply(self) -> ApplySettings:
        """The settings with which their plan is carried out."""
        return ApplySettings(self.registry, self.run, self.log, self.kubernetes, self.in_use)


def resolve_prune(options: Options, environ: Mapping[str, str], patterns: Sequence[str]) -> PruneSettings:
    """`patterns`: the repositories that the command line names. Raises UsageError."""
    given = Given(options, environ)
    file = given.path(o.POLICIES)
    typed = bool(patterns) or given.is_typed(o.KEEP_ENTRY)
    if file and typed and given.is_typed(o.POLICIES):
        raise UsageError(
            f"{o.POLICIES.flag} names a file of policies, and the command line says others",
            what_to_do=f"Write them into {file}, or leave {o.POLICIES.flag} out.",
        )
    if file and not typed:
        return _of_a_file(given, file)
    return _settings(given, _of_the_command_line(given, patterns), resolve_clusters(given), resolve_lists(given))


def resolve_check(
    options: Options, environ: Mapping[str, str], file: Path, repositories: Collection[Repository]
) -> PruneSettings:
    """The settings of a look at what a file's policies would do. `repositories`: those that are asked for by name.
    Raises UsageError, also for one of these that no policy is about."""
    settings = _of_a_file(Given(options, environ), file)
    for each in repositories:
        retention = settings.retention
        if not (
            any(is_about(policy, each) for policy in retention.policies)
            or any(lies_in(project, each) for project in retention.projects)
        ):
            raise UsageError(
                f"no policy and no project is about {each}, which is therefore left alone"
                if retention.projects
                else f"no policy is about {each}, which is therefore left alone",
                what_to_do="Look at the policies' `repositories` and `except`; the name begins with its registry.",
            )
    return settings


def _of_a_file(given: Given, file: Path) -> PruneSettings:
    loaded = load_retention_file(file, given.home)
    retention = loaded.file
    kubernetes = _clusters(given, resolve_clusters(given), retention.in_use, file)
    made = _settings(given, retention, kubernetes, all_lists(given, retention))
    return msgspec.structs.replace(made, places=loaded.places, file=file)


def all_lists(given: Given, retention: RetentionFile) -> tuple[Path | None, ...]:
    """What options and variables name, and the file of policies."""
    return tuple(dict.fromkeys((*resolve_lists(given), *map(Path, retention.in_use_lists))))


def registries_of(given: Given, retention: RetentionFile) -> RegistrySettings:
    """How the registries are reached that policies are about. Raises UsageError."""
    access, by_host = resolve_shared_access(given), _logins(given, retention.registries)
    _refuse_one_for_many(given, access, by_host, retention)
    shared: dict[Place, Access] = {"images": access, "stages": access}
    return msgspec.structs.replace(registry_settings(given), access=shared, by_host=by_host)


def _settings(
    given: Given, retention: RetentionFile, kubernetes: KubernetesSettings, lists: tuple[Path | None, ...]
) -> PruneSettings:
    return PruneSettings(
        retention=retention,
        registry=registries_of(given, retention),
        kubernetes=kubernetes,
        in_use=lists,
        run=run_settings(given),
        log=log_settings(given),
        allow_clock_skew=given.flag(o.ALLOW_CLOCK_SKEW),
        synchronize=given.flag(intent.GIT_HISTORY_SYNCHRONIZATION),
    )


def _of_the_command_line(given: Given, patterns: Sequence[str]) -> RetentionFile:
    """One policy of all that is said. Raises UsageError."""
    words = [value.text for value in given.values(o.KEEP_ENTRY)]
    if not patterns:
        raise UsageError(
            f"{o.POLICIES.flag} is missing: a file of policies says what stays",
            what_to_do="Write one, or name repositories and what stays there, as in holystone prune "
            "'registry.example.com/team/**' --keep newest=10.",
        )
    if not words and (files := [each for each in patterns if each.endswith((".yaml", ".yml"))]):
        raise UsageError(
            f"{files[0]} stands where repositories are named",
            what_to_do=f"If it is a file of policies, write {o.POLICIES.flag} {shell_word(files[0])}.",
        )
    if not words:
        raise UsageError(
            f"{o.KEEP_ENTRY.flag} is missing: nobody says what stays",
            what_to_do=f"Add it, as in {o.KEEP_ENTRY.flag} newest=10 {o.KEEP_ENTRY.flag} pushed-within=30d.",
        )
    try:
        repositories = tuple(map(RepositoryPattern, patterns))
        hosts = {found.host for each in patterns if (found := reach(each))}
    except ValueError as error:
        raise UsageError(f"REPOSITORY: {error}") from error
    implementation = given.filled(o.REPO_IMPLEMENTATION)
    registries = {host: RegistryAccess(implementation.text) for host in hosts} if implementation else {}
    policies = (Policy(_OF_THE_COMMAND_LINE, repositories, keep=keep_entries(words, given.home)),)
    if untold := untold_pulls(policies, registries):
        raise UsageError(f"{o.KEEP_ENTRY.flag} {shell_word(words[untold.entry])}: pulled-within: {untold.why}")
    return RetentionFile(in_use=Clusters("all"), in_use_lists=(), policies=policies, registries=registries)


def _refuse_one_for_many(
    given: Given, access: Access, by_host: Collection[RegistryHost], retention: RetentionFile
) -> None:
    """What the vendors' own options say is of one registry, nobody knows of which of several. Raises UsageError."""
    patterns = (pattern.text for policy in retention.policies for pattern in policy.repositories)
    hosts = tuple({**dict.fromkeys(reaches(patterns, retention.registries)), **dict.fromkeys(_of_projects(retention))})
    if (api := given.filled(_API_URL)) and len(hosts) > 1:
        raise UsageError(
            f"{api.source}: this is the API of one registry, and policies are about {_several(hosts)}",
            what_to_do="Leave it out, or have a file of policies for that registry alone.",
        )
    for name, login in access.logins.items():
        takers = [host for host in hosts if _takes(host, name, by_host, retention.registries)]
        if len(takers) > 1 and not all(is_vendors_own(host, name) for host in takers):
            raise UsageError(
                f"{login.origin}: this is the login of one registry, and several are {name}: {_several(takers)}",
                what_to_do="Say in a file of policies where the login of each is (`registries: {HOST: {credentials: "
                "…}}`), or leave it out and log in with docker login.",
            )


def _of_projects(retention: RetentionFile) -> Iterator[RegistryHost]:
    for each in retention.projects:
        yield host_of(each.images_repo)
        yield host_of(each.stages_storage)


def _takes(
    host: RegistryHost, name: str, by_host: Collection[RegistryHost], registries: Mapping[RegistryHost, RegistryAccess]
) -> bool:
    """Whether the login that is given for an implementation would go to this host."""
    said = registries.get(host)
    found = named(Address(host), said.implementation if said else None)
    return found is not None and found.implementation == name and (host not in by_host or is_vendors_own(host, name))


def _several(hosts: Sequence[RegistryHost]) -> str:
    more = len(hosts) - _SHOWN
    return ", ".join(hosts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _clusters(given: Given, settings: KubernetesSettings, said: Clusters, file: Path) -> KubernetesSettings:
    """What a file says of clusters stands there alone, so that nobody has to look in two places. Raises UsageError."""
    if typed := [each.flag for each in _OF_CLUSTERS if given.is_typed(each)]:
        raise UsageError(
            f"{typed[0]} says which clusters are asked what is in use, and {file} says so, too",
            what_to_do=f"Write it into {file}, as `in-use: {{kubernetes: …}}`.",
        )
    return msgspec.structs.replace(
        settings, context=None, excluded=(), context_namespace_only=False, without=False, said=said.contexts
    )


def _logins(given: Given, registries: Mapping[RegistryHost, RegistryAccess]) -> dict[RegistryHost, Login]:
    """Raises UsageError."""
    found: dict[RegistryHost, Login] = {}
    for host, access in registries.items():
        if access.username and access.password:
            by = f"credentials of {host}"
            username = login_reference(given, GivenValue(access.username, by))
            if isinstance(username, AsGiven):
                raise UsageError(f"{by}: a file of policies holds no login, it says where one is (env:NAME, file:PATH)")
            found[host] = PasswordLogin(username, secret_reference(given, GivenValue(access.password, by)))
    return found
