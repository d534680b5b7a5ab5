"""Which command takes which options.

A cleanup takes them all. Purge and managed-images take them too, so that one set of words and variables serves every
command of werf's, as it does there; what they do not use has no effect.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.settings import intent_options as intent
from holystone.settings import options as o
from holystone.settings.option import Option
from holystone.settings.vendor_options import VENDOR_OPTIONS

_IMPLEMENTATIONS: Final = (
    o.REPO_IMPLEMENTATION,
    o.IMAGES_REPO_IMPLEMENTATION,
    o.STAGES_STORAGE_REPO_IMPLEMENTATION,
)
_CONNECTION: Final = (
    o.DOCKER_CONFIG,
    o.INSECURE_REGISTRY,
    o.SKIP_TLS_VERIFY_REGISTRY,
    o.TRUST_TOKEN_SERVER,
    *VENDOR_OPTIONS.values(),
    o.PARALLEL,
    o.PARALLEL_TASKS_LIMIT,
)
REGISTRY_OPTIONS: Final = (
    o.IMAGES_REPO,
    o.IMAGES_REPO_MODE,
    o.STAGES_STORAGE,
    *_IMPLEMENTATIONS,
    *_CONNECTION,
)
PROJECT_OPTIONS: Final = (
    o.DIR,
    o.CONFIG,
    o.CONFIG_TEMPLATES_DIR,
    o.IMAGE,
    o.KEEP_POLICIES,
    o.PROJECT_NAME,
    o.DEFAULT_POLICIES_INCLUDE_MAIN,
)
HISTORY_OPTIONS: Final = (
    intent.ALLOW_GIT_SHALLOW_CLONE,
    intent.GIT_HISTORY_SYNCHRONIZATION,
    intent.GIT_HISTORY_BASED_CLEANUP,
    intent.GIT_HISTORY_BASED_CLEANUP_V1_2,
)
STRATEGY_OPTIONS: Final = (*intent.GIT_TAG_STRATEGY, *intent.GIT_COMMIT_STRATEGY, *intent.STAGES_SIGNATURE_STRATEGY)
IN_USE_OPTIONS: Final = (
    intent.KUBE_CONFIG,
    intent.KUBE_CONFIG_BASE64,
    intent.KUBE_CONTEXT,
    intent.EXCLUDE_KUBE_CONTEXT,
    intent.SCAN_CONTEXT_NAMESPACE_ONLY,
    intent.WITHOUT_KUBE,
    intent.IN_USE,
)
BUDGET_OPTIONS: Final = (o.UNTIL, o.TIME_BUDGET, o.REQUEST_BUDGET)
RUN_OPTIONS: Final = (
    o.KEEP_STAGES_YOUNGER_THAN,
    o.ALLOW_CLOCK_SKEW,
    o.DRY_RUN,
    o.PLAN_OUT,
    o.OUTPUT,
    o.YES_DELETE_THAT_MANY,
    o.ACCEPT_NEW_BASELINE,
    o.LOCK_IN_REGISTRY,
    *BUDGET_OPTIONS,
    o.STATE_DIR,
    o.CACHE_DIR,
)
LOG_OPTIONS: Final = (o.LOG_QUIET, o.LOG_VERBOSE, o.LOG_DEBUG, o.LOG_COLOR_MODE, o.LOG_FORMAT)
METRICS_OPTIONS: Final = (o.METRICS_FILE, o.METRICS_PUSH)
CLEANUP_OPTIONS: Final = (
    *REGISTRY_OPTIONS,
    *PROJECT_OPTIONS,
    *HISTORY_OPTIONS,
    *STRATEGY_OPTIONS,
    *IN_USE_OPTIONS,
    *RUN_OPTIONS,
    *METRICS_OPTIONS,
    *LOG_OPTIONS,
    *o.WITHOUT_EFFECT,
)
PRUNE_OPTIONS: Final = (
    o.POLICIES,
    o.KEEP_ENTRY,
    intent.GIT_HISTORY_SYNCHRONIZATION,
    *IN_USE_OPTIONS,
    *(each for each in RUN_OPTIONS if each is not o.KEEP_STAGES_YOUNGER_THAN),
    msgspec.structs.replace(o.REPO_IMPLEMENTATION, help=f"Which registry it is: {', '.join(IMPLEMENTATIONS)} or auto."),
    *(each for each in _CONNECTION if not each.name.startswith(("images-repo-", "stages-storage-repo-"))),
    *METRICS_OPTIONS,
    *LOG_OPTIONS,
)
_OF_A_RUN: Final = (
    *_IMPLEMENTATIONS,
    *_CONNECTION,
    o.LOCK_IN_REGISTRY,
    o.OUTPUT,
    o.STATE_DIR,
    o.CACHE_DIR,
    *METRICS_OPTIONS,
    *LOG_OPTIONS,
)
_WITH_POLICIES: Final = msgspec.structs.replace(
    o.POLICIES,
    help="File of retention policies, for a run of prune: where its registries' logins are, and who uses images.",
)
RESUME_OPTIONS: Final = (
    _WITH_POLICIES,
    msgspec.structs.replace(o.IMAGES_REPO, help="Take up runs of this images repo only."),
    msgspec.structs.replace(o.STAGES_STORAGE, help="Take up runs of this stages storage only."),
    msgspec.structs.replace(o.DRY_RUN, help="Show what is left to do, delete nothing."),
    *IN_USE_OPTIONS,
    o.YES_DELETE_THAT_MANY,
    *BUDGET_OPTIONS,
    *_OF_A_RUN,
)
APPLY_OPTIONS: Final = (
    _WITH_POLICIES,
    o.YES,
    o.MAX_AGE,
    msgspec.structs.replace(o.IMAGES_REPO, help="Refuse a plan of another images repo."),
    msgspec.structs.replace(o.STAGES_STORAGE, help="Refuse a plan of another stages storage."),
    o.DRY_RUN,
    *IN_USE_OPTIONS,
    o.YES_DELETE_THAT_MANY,
    *BUDGET_OPTIONS,
    *_OF_A_RUN,
)
UNDO_OPTIONS: Final = (
    _WITH_POLICIES,
    msgspec.structs.replace(o.IMAGES_REPO, help="Where the images are, if logins of vendors' options are to go there."),
    msgspec.structs.replace(o.STAGES_STORAGE, help="Where the stages are, if such logins are to go there."),
    msgspec.structs.replace(o.DRY_RUN, help="Show what would be put back, change nothing."),
    *_OF_A_RUN,
)
RUNS_OPTIONS: Final = (o.OUTPUT, o.STATE_DIR, o.CACHE_DIR, *LOG_OPTIONS)
GIVE_UP_OPTIONS: Final = (
    msgspec.structs.replace(o.DRY_RUN, help="Only say whether there is something to give up."),
    *RUNS_OPTIONS,
)
DEMO_OPTIONS: Final = (o.KEEP,)
CHECK_OPTIONS: Final = (
    o.REGISTRIES,
    intent.GIT_HISTORY_SYNCHRONIZATION,
    *IN_USE_OPTIONS,
    o.OUTPUT,
    o.STATE_DIR,
    o.CACHE_DIR,
    *_CONNECTION,
    *LOG_OPTIONS,
)
TRY_OPTIONS: Final = (o.TAGS, o.REPOSITORY, o.OUTPUT, *LOG_OPTIONS)
FROM_OPTIONS: Final = (
    msgspec.structs.replace(
        o.REPOSITORY,
        help="What it is about, with the registry: a repository or a pattern; of Harbor and GitLab the project.",
    ),
    *LOG_OPTIONS,
)


def _said(option: Option, help_text: str) -> Option:
    return msgspec.structs.replace(option, help=help_text)


def _table(used: Iterable[Option], why: str) -> tuple[Option, ...]:
    """A command's options, in the order of `used`; `why` the rest has no effect."""
    ours = {each.key: each for each in used}
    rest = (each for each in CLEANUP_OPTIONS if each.key not in ours)
    idle = (
        each if each.no_effect else msgspec.structs.replace(each, help=f"No effect: {why}.", no_effect=why, hidden=True)
        for each in rest
    )
    return (*ours.values(), *idle)


_PROJECT: Final = (
    o.DIR,
    o.CONFIG,
    o.CONFIG_TEMPLATES_DIR,
    _said(o.PROJECT_NAME, "Name of the project (default: as werf.yaml says). Tags that say they are another's stay."),
)
_RUN: Final = (
    o.DRY_RUN,
    o.PLAN_OUT,
    o.OUTPUT,
    o.LOCK_IN_REGISTRY,
    *BUDGET_OPTIONS,
    o.STATE_DIR,
    o.CACHE_DIR,
    *METRICS_OPTIONS,
    *LOG_OPTIONS,
)
_REGISTRY: Final = tuple(each for each in REGISTRY_OPTIONS if each is not o.IMAGES_REPO)
_BUILT_ON_THEM: Final = _said(o.IMAGES_REPO, "Where the final images are, to say how many were built on the stages.")
_NO_POLICY: Final = "a purge asks no policy"

_FIRST: Final = (o.STAGES_STORAGE, o.YES, o.DRY_RUN, o.PLAN_OUT)
_REST: Final = (*_REGISTRY, *_PROJECT, o.IMAGE, *_RUN)

IMAGES_PURGE_OPTIONS: Final = _table((o.IMAGES_REPO, *_FIRST, *_REST), _NO_POLICY)
STAGES_PURGE_OPTIONS: Final = _table((_BUILT_ON_THEM, *_FIRST, *_REST), _NO_POLICY)

_STORAGE: Final = tuple(each for each in _REGISTRY if not each.name.startswith("images-repo-"))
_RECORDS_ONLY: Final = "only records in the stages storage are concerned"
_LIST_RUN: Final = (o.OUTPUT, o.CACHE_DIR, *LOG_OPTIONS)

LS_OPTIONS: Final = _table((*_STORAGE, *_LIST_RUN), _RECORDS_ONLY)
ADD_OPTIONS: Final = _table((o.STAGES_STORAGE, o.DRY_RUN, *_STORAGE, *_PROJECT, *_LIST_RUN), _RECORDS_ONLY)
RM_OPTIONS: Final = _table((o.STAGES_STORAGE, o.DRY_RUN, o.PLAN_OUT, *_STORAGE, *_RUN), _RECORDS_ONLY)

_OF_CI: Final = (o.AS_FILE, o.AS_ENV_FILE, o.OUTPUT_FILE_PATH, o.SHELL, o.TAGGING_STRATEGY, o.DOCKER_CONFIG)
CI_ENV_OPTIONS: Final = (
    *_OF_CI,
    *(
        msgspec.structs.replace(each, help="No effect here.", no_effect="ci-env reads the job alone", hidden=True)
        for each in (o.DIR, o.CONFIG, o.CONFIG_TEMPLATES_DIR, o.DRY_RUN, *LOG_OPTIONS)
    ),
    *(each for each in o.WITHOUT_EFFECT if each.name in ("home-dir", "tmp-dir", "log-pretty", "log-terminal-width")),
)
