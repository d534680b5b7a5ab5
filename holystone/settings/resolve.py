"""Options and variables → CleanupSettings: a pure function of both, apart from the user's own folders."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from holystone.engine.errors import UsageError
from holystone.engine.model.references import ImageName, InvalidName
from holystone.policies.werf.v1.tag_strategy import Allowance, StrategyRules
from holystone.settings import intent_options as intent
from holystone.settings import options as o
from holystone.settings import tables
from holystone.settings.access import half_logins, resolve_access, resolve_hosts, resolve_token_servers
from holystone.settings.addresses import named_registries, project_places, resolve_places, resolve_storage
from holystone.settings.clusters import resolve_clusters, resolve_clusters_again, resolve_lists
from holystone.settings.given import Given, GivenValue, Options
from holystone.settings.option import Option
from holystone.settings.run import log_settings, run_settings
from holystone.settings.values import (
    DAY,
    STAGES_GRACE,
    ApplySettings,
    CleanupSettings,
    DirectSettings,
    HistorySettings,
    KubernetesSettings,
    ProjectSettings,
    RegistrySettings,
)

_CONCURRENCY: Final = 10
_GRACE_STAYS: Final = ("0", "false", "no")  # any other word switches it off, as with werf
_NO_STAGES_GRACE: Final = "WERF_DISABLE_STAGES_CLEANUP_DATE_PERIOD_POLICY"


def resolve(options: Options, environ: Mapping[str, str]) -> CleanupSettings:
    """The settings of a cleanup. `options` by `Option.key`, None where the command line is silent.

    An option wins over its variables, of these the first that is not empty. What is said for one repository wins
    over what is said for both unless it is empty. Raises UsageError.
    """
    given = Given(options, environ)
    history = _history(given)
    return CleanupSettings(
        **msgspec.structs.asdict(resolve_places(given)),
        registry=registry_settings(given),
        project=_project(given),
        history=history,
        kubernetes=resolve_clusters(given),
        in_use=resolve_lists(given),
        run=run_settings(given),
        log=log_settings(given),
        stages_grace=_stages_grace(given),
        allow_clock_skew=given.flag(o.ALLOW_CLOCK_SKEW),
        notes=_notes(given, history),
    )


def refuse_lists_in_use(options: Options) -> None:
    """A purge keeps nothing, so that it cannot be told to keep what is in use. Raises UsageError."""
    if options.get(intent.IN_USE.key):
        raise UsageError(
            f"{intent.IN_USE.flag} says that images are in use and must stay, and a purge keeps nothing of the project",
            what_to_do=f"Leave {intent.IN_USE.flag} out if they may go; otherwise use `holystone cleanup`.",
        )


def resolve_direct(
    options: Options,
    environ: Mapping[str, str],
    *,
    images_repo: Literal["needed", "welcome", "unused"],
    table: Iterable[Option] = (),
) -> DirectSettings:
    """The settings of commands that ask no policy. What their table has without effect is told where it stands on the
    command line: werf's variables are often set for all commands at once. Raises UsageError."""
    given = Given(options, environ)
    if o.PLAN_OUT.key in {each.key for each in table if each.no_effect}:
        _refuse_plan_out(given, "managed-images add")
    knows_images = images_repo == "needed" or (images_repo == "welcome" and given.filled(o.IMAGES_REPO))
    return DirectSettings(
        places=resolve_places(given) if knows_images else resolve_storage(given),
        registry=registry_settings(given),
        project=_project(given).without_policies(),
        run=run_settings(given),
        log=log_settings(given),
        notes=tuple(
            f"{each.flag} has no effect: {each.no_effect}."
            for each in table
            if each.no_effect and options.get(each.key) not in (None, ())
        ),
    )


def resolve_apply(options: Options, environ: Mapping[str, str], command: str) -> ApplySettings:
    """The settings of commands that take everything else from a plan or the journal, and for what they carry out.
    Raises UsageError."""
    given = Given(options, environ)
    _refuse_plan_out(given, command)
    max_age = given.filled(o.MAX_AGE)
    places = project_places(given)
    return ApplySettings(
        registry=msgspec.structs.replace(registry_settings(given), named=named_registries(given, places)),
        run=run_settings(given),
        log=log_settings(given),
        kubernetes=resolve_clusters_again(given),
        in_use=resolve_lists(given),
        places=places,
        max_age=max_age.seconds() if max_age else DAY,
    )


def resolve_give_up(options: Options, environ: Mapping[str, str]) -> ApplySettings:
    """The settings of a command that changes the journal and nothing else. Raises UsageError."""
    given = Given(options, environ)
    nowhere = RegistrySettings(docker_config=given.home / ".docker")
    return ApplySettings(
        nowhere, run_settings(given), log_settings(given), KubernetesSettings(given.home / ".kube" / "config")
    )


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


def registry_settings(given: Given) -> RegistrySettings:
    return RegistrySettings(
        docker_config=given.path(o.DOCKER_CONFIG) or given.home / ".docker",
        insecure=resolve_hosts(given, o.INSECURE_REGISTRY),
        unverified=resolve_hosts(given, o.SKIP_TLS_VERIFY_REGISTRY),
        concurrency=_concurrency(given),
        trusted_token_servers=resolve_token_servers(given),
        access=resolve_access(given),
    )


def _concurrency(given: Given) -> int | None:
    """How many requests may be under way at once; None: no limit. None of werf's cleanups looks at the variable, so
    that there no word is wrong."""
    value = given.filled(o.PARALLEL_TASKS_LIMIT)
    try:
        limit = value.integer() if value else _CONCURRENCY
    except UsageError:
        if value is None or not value.is_of_variable:
            raise
        limit = _CONCURRENCY
    if not given.flag(o.PARALLEL, default=True):
        return 1
    return limit if limit > 0 else None


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


def image_name(value: GivenValue, home: Path) -> ImageName:
    """Raises UsageError."""
    text, source = value.without_user_info()
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
    older = given.flag(intent.GIT_HISTORY_BASED_CLEANUP, default=True)
    explicit = given.one(intent.GIT_HISTORY_BASED_CLEANUP_V1_2)
    newer = given.flag(intent.GIT_HISTORY_BASED_CLEANUP_V1_2, default=True) if explicit else older
    return HistorySettings(
        decides=older or newer,
        v1_2=newer,
        v1_2_explicit=explicit is not None,
        allow_shallow_clone=given.flag(intent.ALLOW_GIT_SHALLOW_CLONE),
        synchronize=given.flag(intent.GIT_HISTORY_SYNCHRONIZATION),
        strategies=StrategyRules(
            git_tag=_allowance(given, *intent.GIT_TAG_STRATEGY),
            git_commit=_allowance(given, *intent.GIT_COMMIT_STRATEGY),
            stages_signature=_allowance(given, *intent.STAGES_SIGNATURE_STRATEGY),
        ),
    )


def _allowance(given: Given, limit: Option, expiry: Option) -> Allowance:
    return Allowance(_at_most(given, limit), _at_most(given, expiry))


def _at_most(given: Given, option: Option) -> int | None:
    value = given.filled(option)
    number = value.integer() if value else -1
    return None if number < 0 else number


def _notes(given: Given, history: HistorySettings) -> tuple[str, ...]:
    unused, why = (
        (tables.STRATEGY_OPTIONS, "git history decides")
        if history.decides
        else ((o.KEEP_POLICIES, o.DEFAULT_POLICIES_INCLUDE_MAIN), "tag strategies decide")
    )
    idle = (
        f"{value.source} has no effect: {reason}."
        for option, reason in (
            *((option, option.no_effect) for option in o.WITHOUT_EFFECT),
            *((option, why) for option in unused),
        )
        if (value := given.one(option))
    )
    return (*idle, *half_logins(given))


def _stages_grace(given: Given) -> int:
    value, off = given.filled(o.KEEP_STAGES_YOUNGER_THAN), given.variable(_NO_STAGES_GRACE)
    disabled = off is not None and off.text.lower() not in _GRACE_STAYS
    if value:
        return value.seconds()
    return 0 if disabled else STAGES_GRACE
