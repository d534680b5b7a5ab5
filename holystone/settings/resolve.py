"""Options and variables → CleanupSettings: a pure function of both, apart from the user's own folders."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar, cast, get_args

import msgspec

from holystone.adapters.credentials.secret import Secret
from holystone.engine.errors import UsageError
from holystone.engine.model.addresses import Address
from holystone.engine.model.plan import Place
from holystone.engine.model.references import ImageName, InvalidName, RegistryHost
from holystone.engine.naming import parse_address, repository_of
from holystone.policies.tag_strategy import Allowance, StrategyRules
from holystone.settings import options as o
from holystone.settings import tables
from holystone.settings.access import resolve_access
from holystone.settings.given import Given, Options, Value
from holystone.settings.option import Option
from holystone.settings.places import ProjectPlaces
from holystone.settings.values import (
    DAY,
    ApplySettings,
    CleanupSettings,
    DirectSettings,
    HistorySettings,
    ImagesSettings,
    Implementation,
    KubernetesSettings,
    LogSettings,
    Mode,
    NamedPlace,
    ProjectSettings,
    RegistrySettings,
    RunSettings,
    StorageSettings,
)

_STAGES_GRACE: Final = 2 * 60 * 60
_GRACE_STAYS: Final = ("0", "false", "no")  # any other word switches it off, as with werf
_NO_STAGES_GRACE: Final = "WERF_DISABLE_STAGES_CLEANUP_DATE_PERIOD_POLICY"
T = TypeVar("T", bound=str)


def resolve(options: Options, environ: Mapping[str, str]) -> CleanupSettings:
    """`options` by `Option.key`, None where the command line is silent.

    An option wins over its variables, of these the first that is not empty. What is said for one repository wins
    over what is said for both unless it is empty. Raises UsageError.
    """
    given = Given(options, environ)
    history = _history(given)
    return CleanupSettings(
        **msgspec.structs.asdict(_places(given)),
        registry=_registry(given),
        project=_project(given),
        history=history,
        kubernetes=_kubernetes(given),
        in_use=_in_use(given),
        run=_run(given),
        log=_log(given),
        stages_grace=_stages_grace(given),
        allow_clock_skew=given.flag(o.ALLOW_CLOCK_SKEW),
        notes=_notes(given, history),
    )


def refuse_lists_in_use(options: Options) -> None:
    """A purge keeps nothing, so that it cannot be told to keep what is in use. Raises UsageError."""
    if options.get(o.IN_USE.key):
        raise UsageError(
            f"{o.IN_USE.flag} says that images are in use and must stay, and a purge keeps nothing of the project",
            what_to_do=f"Leave {o.IN_USE.flag} out if they may go; otherwise use `holystone cleanup`.",
        )


def resolve_direct(
    options: Options,
    environ: Mapping[str, str],
    *,
    images_repo: Literal["needed", "welcome", "unused"],
    table: Iterable[Option] = (),
) -> DirectSettings:
    """For commands that ask no policy. What their table has without effect is told where it stands on the command
    line: werf's variables are often set for all commands at once. Raises UsageError."""
    given = Given(options, environ)
    if o.PLAN_OUT.key in {each.key for each in table if each.no_effect}:
        _refuse_plan_out(given, "managed-images add")
    knows_images = images_repo == "needed" or (images_repo == "welcome" and given.filled(o.IMAGES_REPO))
    return DirectSettings(
        places=_places(given) if knows_images else _storage(given),
        registry=_registry(given),
        project=msgspec.structs.replace(_project(given), keep_policies=None, default_policies_include_main=False),
        run=_run(given),
        log=_log(given),
        notes=tuple(
            f"{each.flag} has no effect: {each.no_effect}."
            for each in table
            if each.no_effect and options.get(each.key) not in (None, ())
        ),
    )


def resolve_apply(options: Options, environ: Mapping[str, str], command: str) -> ApplySettings:
    """For commands that take everything else from a plan or the journal, and for what they carry out. Raises
    UsageError."""
    given = Given(options, environ)
    _refuse_plan_out(given, command)
    max_age = given.filled(o.MAX_AGE)
    places = _project_places(given)
    return ApplySettings(
        registry=msgspec.structs.replace(_registry(given), named_places=_named_places(given, places)),
        run=_run(given),
        log=_log(given),
        kubernetes=_kubernetes(given),
        in_use=_in_use(given),
        places=places,
        max_age=max_age.seconds() if max_age else DAY,
    )


def resolve_journal(options: Options, environ: Mapping[str, str]) -> ApplySettings:
    """For commands that look at the journal and at nothing else. Raises UsageError."""
    given = Given(options, environ)
    nowhere = RegistrySettings(docker_config=given.home / ".docker")
    return ApplySettings(nowhere, _run(given), _log(given), KubernetesSettings(given.home / ".kube" / "config"))


def _refuse_plan_out(given: Given, command: str) -> None:
    """Whoever has said, for all commands of a shell or a pipeline, that a plan is to be written and nothing changed,
    has not said what this command is for."""
    if value := given.filled(o.PLAN_OUT):
        raise UsageError(
            f"{value.source} says that a plan is to be written to {value.text} and nothing changed, but {command} "
            "writes no plan: it carries one out",
            what_to_do=f"Leave it out for {command}"
            + (f", as in env -u {value.source[1:]} holystone {command} …." if value.source.startswith("$") else "."),
        )


def _project_places(given: Given) -> ProjectPlaces:
    """Addresses that need the project's name, or are no registry's, tell no runs apart."""
    images, storage = given.filled(o.IMAGES_REPO), given.filled(o.STAGES_STORAGE)
    try:
        return ProjectPlaces(
            images=parse_address(images.text) if images and not images.text.startswith(":") else None,
            storage=repository_of(parse_address(storage.text))
            if storage and not storage.text.startswith(":")
            else None,
        )
    except InvalidName as error:
        raise UsageError(f"{o.IMAGES_REPO.flag} or {o.STAGES_STORAGE.flag}: {error}") from error


def _named_places(given: Given, places: ProjectPlaces) -> dict[Place, NamedPlace]:
    named: dict[Place, NamedPlace] = {}
    if places.images:
        named["images"] = NamedPlace(places.images, _implementation(given, o.IMAGES_REPO_IMPLEMENTATION))
    if places.storage:
        at = Address(places.storage.host, places.storage.path)
        named["stages"] = NamedPlace(at, _implementation(given, o.STAGES_STORAGE_REPO_IMPLEMENTATION))
    return named


def _places(given: Given) -> ImagesSettings:
    return ImagesSettings(
        **msgspec.structs.asdict(_storage(given)),
        images_repo=_address(given, o.IMAGES_REPO, special=(":minikube",)),
        images_repo_mode=_word(given, (o.IMAGES_REPO_MODE,), get_args(Mode), "auto"),
        images_implementation=_implementation(given, o.IMAGES_REPO_IMPLEMENTATION),
    )


def _storage(given: Given) -> StorageSettings:
    return StorageSettings(
        stages_storage=_address(given, o.STAGES_STORAGE),
        stages_implementation=_implementation(given, o.STAGES_STORAGE_REPO_IMPLEMENTATION),
    )


def _registry(given: Given) -> RegistrySettings:
    return RegistrySettings(
        docker_config=given.path(o.DOCKER_CONFIG) or given.home / ".docker",
        insecure=given.flag(o.INSECURE_REGISTRY),
        skip_tls_verify=given.flag(o.SKIP_TLS_VERIFY_REGISTRY),
        concurrency=_concurrency(given),
        trusted_token_servers=_hosts(given),
        access=resolve_access(given),
    )


def _concurrency(given: Given) -> int | None:
    value = given.filled(o.PARALLEL_TASKS_LIMIT)
    limit = value.integer() if value else 10
    if value and (limit < -1 or limit == 0):
        raise UsageError(f"{value.source}: {limit} is neither a positive number nor -1 (no limit)")
    if not given.flag(o.PARALLEL, default=True):
        return 1
    return None if limit == -1 else limit


def _hosts(given: Given) -> tuple[RegistryHost, ...]:
    hosts = []
    for value in given.values(o.TRUST_TOKEN_SERVER):
        try:
            hosts.append(RegistryHost.parse(value.text))
        except InvalidName as error:
            raise UsageError(f"{value.source}: {error}", what_to_do="Write HOST or HOST:PORT.") from error
    return tuple(hosts)


def _project(given: Given) -> ProjectSettings:
    name = given.filled(o.PROJECT_NAME)
    return ProjectSettings(
        directory=given.path(o.DIR) or Path(),
        config=given.path(o.CONFIG),
        templates_dir=given.path(o.CONFIG_TEMPLATES_DIR),
        images=_images(given),
        keep_policies=given.path(o.KEEP_POLICIES),
        name=name.text if name else None,
        default_policies_include_main=given.flag(o.DEFAULT_POLICIES_INCLUDE_MAIN),
    )


def _images(given: Given) -> tuple[ImageName, ...]:
    return tuple(dict.fromkeys(image_name(value, given.home) for value in given.values(o.IMAGE)))


def image_name(value: Value, home: Path) -> ImageName:
    """Raises UsageError."""
    text, source = value
    if text == str(home):
        raise UsageError(f"{source}: the shell made {text!r} of ~", what_to_do="Quote it: '~'.")
    if not text:
        raise UsageError(f"{source}: an empty name", what_to_do="The nameless image is '~'.")
    try:
        return ImageName("") if text in ("~", "__nameless__") else ImageName.parse(text)
    except InvalidName as error:
        raise UsageError(f"{source}: {error}") from error


def _history(given: Given) -> HistorySettings:
    """werf 1.1 has two switches, both on by default, and history decides if either is; so that `=false` given for
    the older one alone means what it says, the newer one's default then is off."""
    older = given.flag(o.GIT_HISTORY_BASED_CLEANUP, default=True)
    explicit = given.one(o.GIT_HISTORY_BASED_CLEANUP_V1_2)
    newer = explicit.boolean() if explicit else older
    return HistorySettings(
        decides=older or newer,
        v1_2=newer,
        v1_2_explicit=explicit is not None,
        allow_shallow_clone=given.flag(o.ALLOW_GIT_SHALLOW_CLONE),
        synchronize=given.flag(o.GIT_HISTORY_SYNCHRONIZATION),
        strategies=StrategyRules(
            git_tag=_allowance(given, *o.GIT_TAG_STRATEGY),
            git_commit=_allowance(given, *o.GIT_COMMIT_STRATEGY),
            stages_signature=_allowance(given, *o.STAGES_SIGNATURE_STRATEGY),
        ),
    )


def _allowance(given: Given, limit: Option, expiry: Option) -> Allowance:
    return Allowance(_at_most(given, limit), _at_most(given, expiry))


def _at_most(given: Given, option: Option) -> int | None:
    value = given.filled(option)
    number = value.integer() if value else -1
    if value and number < -1:
        raise UsageError(f"{value.source}: {number} is neither a number from 0 on nor -1 (no limit)")
    return None if number == -1 else number


def _notes(given: Given, history: HistorySettings) -> tuple[str, ...]:
    unused, why = (
        (tables.STRATEGY_OPTIONS, "git history decides")
        if history.decides
        else ((o.KEEP_POLICIES, o.DEFAULT_POLICIES_INCLUDE_MAIN), "tag strategies decide")
    )
    return tuple(
        f"{value.source} has no effect: {reason}."
        for option, reason in (
            *((option, option.no_effect) for option in o.WITHOUT_EFFECT),
            *((option, why) for option in unused),
        )
        if (value := given.one(option))
    )


def _without_kube(given: Given) -> bool:
    """Raises UsageError where a variable says that nobody is to be asked, and somebody has typed whom to ask."""
    value = given.one(o.WITHOUT_KUBE)
    if value is None or not value.boolean():
        return False
    typed = [each for each in (o.KUBE_CONFIG, o.KUBE_CONFIG_BASE64, o.KUBE_CONTEXT) if given.is_typed(each)]
    if typed and value.source.startswith("$"):
        raise UsageError(
            f"{typed[0].flag} says which cluster to ask, and {value.source} to ask none",
            what_to_do=f"Add {o.WITHOUT_KUBE.flag}=false, or leave {typed[0].flag} out.",
        )
    return True


def _kubernetes(given: Given) -> KubernetesSettings:
    config, base64, context = map(given.filled, (o.KUBE_CONFIG, o.KUBE_CONFIG_BASE64, o.KUBE_CONTEXT))
    return KubernetesSettings(
        default_config=given.home / ".kube" / "config",
        config=tuple(given.expanded(path) for path in config.text.split(os.pathsep) if path) if config else None,
        config_base64=Secret(base64.text) if base64 else None,
        context=context.text if context else None,
        excluded=tuple(value.text for value in given.values(o.EXCLUDE_KUBE_CONTEXT)),
        context_namespace_only=given.flag(o.SCAN_CONTEXT_NAMESPACE_ONLY),
        without=_without_kube(given),
    )


def _in_use(given: Given) -> tuple[Path | None, ...]:
    files: dict[Path | None, None] = {}
    for text, source in given.values(o.IN_USE):
        if not text:
            raise UsageError(f"{source}: an empty name", what_to_do="Name a file, or - for standard input.")
        files[None if text == "-" else given.expanded(text)] = None
    return tuple(files)


def _run(given: Given) -> RunSettings:
    import platformdirs  # here, because `--help` needs no folders

    return RunSettings(
        state_dir=given.path(o.STATE_DIR) or platformdirs.user_state_path("holystone", appauthor=False),
        cache_dir=given.path(o.CACHE_DIR) or platformdirs.user_cache_path("holystone", appauthor=False),
        dry_run=given.flag(o.DRY_RUN),
        plan_out=_plan_out(given),
        output=_word(given, (o.OUTPUT,), ("text", "json"), "text"),
        yes_delete_that_many=given.flag(o.YES_DELETE_THAT_MANY),
        lock_in_registry=given.flag(o.LOCK_IN_REGISTRY),
        yes=given.flag(o.YES),
    )


def _plan_out(given: Given) -> Path | None:
    """An empty name is a shell's variable that was not set, and never means that something may be deleted."""
    value = given.one(o.PLAN_OUT)
    if value and not value.text:
        raise UsageError(
            f"{value.source}: an empty name", what_to_do="Name the file that the plan is to be written to."
        )
    return given.path(o.PLAN_OUT)


def _log(given: Given) -> LogSettings:
    quiet, verbose, debug = map(given.flag, (o.LOG_QUIET, o.LOG_VERBOSE, o.LOG_DEBUG))
    return LogSettings(
        level="debug" if debug else "verbose" if verbose else "quiet" if quiet else "normal",
        color=_word(given, (o.LOG_COLOR_MODE,), ("auto", "on", "off"), "auto"),
    )


def _stages_grace(given: Given) -> int:
    value, off = given.filled(o.KEEP_STAGES_YOUNGER_THAN), given.variable(_NO_STAGES_GRACE)
    disabled = off is not None and off.text.lower() not in _GRACE_STAYS
    if value:
        return value.seconds()
    return 0 if disabled else _STAGES_GRACE


def _address(given: Given, option: Option, special: tuple[str, ...] = ()) -> str:
    value = given.one(option)
    if value is None or not value.text:
        said = "is given empty" if value else "is missing"
        raise UsageError(f"{option.flag} {said}", what_to_do=f"Give {option.flag} REPO or set ${option.variables[0]}.")
    text, source = value
    if text in special:
        return text
    if text.startswith(":"):
        raise _no_registry(text, source, option)
    if "://" in text or text.split() != [text]:
        raise UsageError(f"{source}: {text!r} is not REGISTRY[/REPOSITORY], without https:// and blanks")
    return text


def _no_registry(text: str, source: str, option: Option) -> UsageError:
    example = f"registry.example.com/shop{'/stages' if option is o.STAGES_STORAGE else ''}"
    what_to_do = f"Use the repository that your builds push to, e.g. {option.flag} {example}."
    if text != ":local":
        return UsageError(f"{source}: {text} is not a registry", what_to_do=what_to_do)
    return UsageError(
        f"{source}: :local is not a registry: it is werf's name for the Docker daemon of this machine",
        what_to_do=f"{what_to_do} What is in the daemon is left to werf itself.",
    )


def _implementation(given: Given, own: Option) -> Implementation:
    return _word(given, (own, o.REPO_IMPLEMENTATION), get_args(Implementation), "auto")


def _word(given: Given, options: tuple[Option, ...], words: tuple[str, ...], default: T) -> T:
    value = given.filled(*options)
    return cast("T", value.one_of(words)) if value else default
