"""Every option but those of what decides (`intent_options`) and vendors' own (`vendor_options`), with its variables.
Which command takes which is in `tables`.

Names and variables: werf 1.1; `HOLYSTONE_*` for what werf does not have.
"""

from typing import Final

import msgspec

from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.settings.option import Option

IMAGES_REPO: Final = Option(
    "images-repo", "Where the final images are (required).", ("WERF_IMAGES_REPO",), ("-i",), metavar="REPO"
)
IMAGES_REPO_MODE: Final = Option(
    "images-repo-mode",
    "How images are laid out there: multirepo, monorepo or auto (default).",
    ("WERF_IMAGES_REPO_MODE",),
    metavar="MODE",
)
STAGES_STORAGE: Final = Option(
    "stages-storage", "Where the stages are (required).", ("WERF_STAGES_STORAGE",), ("-s",), metavar="REPO"
)
REPO_IMPLEMENTATION: Final = Option(
    "repo-implementation",
    f"Which registry this is, for both repositories: {', '.join(IMPLEMENTATIONS)} or auto (default).",
    ("WERF_REPO_IMPLEMENTATION",),
    metavar="NAME",
)
IMAGES_REPO_IMPLEMENTATION: Final = Option(
    "images-repo-implementation",
    "The same for the images repo alone.",
    ("WERF_IMAGES_REPO_IMPLEMENTATION",),
    metavar="NAME",
)
STAGES_STORAGE_REPO_IMPLEMENTATION: Final = Option(
    "stages-storage-repo-implementation",
    "The same for the stages storage alone.",
    ("WERF_STAGES_STORAGE_REPO_IMPLEMENTATION",),
    metavar="NAME",
)
DOCKER_CONFIG: Final = Option(
    "docker-config",
    "Folder of Docker's config.json (default ~/.docker).",
    ("WERF_DOCKER_CONFIG", "DOCKER_CONFIG"),
    metavar="DIR",
)
INSECURE_REGISTRY: Final = Option(
    "insecure-registry",
    "Use plain HTTP where nothing speaks TLS: at the registries' own hosts, or at HOST alone (repeatable).",
    ("WERF_INSECURE_REGISTRY", "HOLYSTONE_INSECURE_REGISTRY_*"),
    kind="hosts",
)
SKIP_TLS_VERIFY_REGISTRY: Final = Option(
    "skip-tls-verify-registry",
    "Do not verify the certificates of the registries' own hosts, or of HOST alone (repeatable).",
    ("WERF_SKIP_TLS_VERIFY_REGISTRY", "HOLYSTONE_SKIP_TLS_VERIFY_REGISTRY_*"),
    kind="hosts",
)
TRUST_TOKEN_SERVER: Final = Option(
    "trust-token-server",
    "Send the registry's credential to the token server HOST too, REGISTRY's alone if it is named (repeatable).",
    ("HOLYSTONE_TRUST_TOKEN_SERVER_*",),
    kind="many",
    metavar="[REGISTRY=]HOST",
)
PARALLEL: Final = Option(
    "parallel", "Work on several things at once (default true).", ("WERF_PARALLEL",), ("-p",), "flag"
)
PARALLEL_TASKS_LIMIT: Final = Option(
    "parallel-tasks-limit",
    "At most so many requests at once to one registry (default 10, -1: no limit).",
    ("WERF_PARALLEL_TASKS_LIMIT",),
    metavar="N",
)

DIR: Final = Option("dir", "Folder of the project (default: this one).", ("WERF_DIR",), metavar="DIR")
CONFIG: Final = Option(
    "config", "Configuration (default werf.yml, then werf.yaml, in --dir).", ("WERF_CONFIG",), metavar="FILE"
)
CONFIG_TEMPLATES_DIR: Final = Option(
    "config-templates-dir",
    "Templates of a templated configuration (default .werf).",
    ("WERF_CONFIG_TEMPLATES_DIR",),
    metavar="DIR",
)
POLICIES: Final = Option(
    "config",
    "File of retention policies, and of the registries that they are about.",
    ("HOLYSTONE_CONFIG",),
    metavar="FILE",
)
KEEP_ENTRY: Final = Option(
    "keep",
    "Keep tags for which this holds, as in 'tags=v*,newest=3' (repeatable). Stands in for a file of policies.",
    kind="many",
    metavar="ENTRY",
)
IMAGE: Final = Option(
    "image",
    "Name of an image, '~' for the nameless one (repeatable). Stands in for the images of werf.yaml.",
    ("HOLYSTONE_IMAGE_*",),
    kind="many",
    metavar="NAME",
)
KEEP_POLICIES: Final = Option(
    "keep-policies",
    "YAML file of keep policies. Stands in for those of werf.yaml.",
    ("HOLYSTONE_KEEP_POLICIES",),
    metavar="FILE",
)
PROJECT_NAME: Final = Option(
    "project-name",
    "Name of the project (default: as werf.yaml says). Its images and stages are labelled with it.",
    ("WERF_PROJECT_NAME",),
    ("-N",),
    metavar="NAME",
)
DEFAULT_POLICIES_INCLUDE_MAIN: Final = Option(
    "default-policies-include-main",
    "Count `main` among the main branches of werf's default policies, which know master, staging and production.",
    ("HOLYSTONE_DEFAULT_POLICIES_INCLUDE_MAIN",),
    kind="flag",
)

KEEP_STAGES_YOUNGER_THAN: Final = Option(
    "keep-stages-younger-than",
    "Keep every stage younger than this (default 2h).",
    ("HOLYSTONE_KEEP_STAGES_YOUNGER_THAN",),
    metavar="DURATION",
)
ALLOW_CLOCK_SKEW: Final = Option(
    "allow-clock-skew",
    "Go on although the clocks of this machine and the registry are more than five minutes apart.",
    ("HOLYSTONE_ALLOW_CLOCK_SKEW",),
    kind="flag",
)
DRY_RUN: Final = Option("dry-run", "Print the plan, delete nothing.", ("WERF_DRY_RUN",), kind="flag")
PLAN_OUT: Final = Option("plan-out", "Write the plan as JSON, delete nothing.", ("HOLYSTONE_PLAN_OUT",), metavar="FILE")
MAX_AGE: Final = Option(
    "max-age",
    "Refuse a plan that is older than this (default 24h).",
    metavar="DURATION",
)
OUTPUT: Final = Option("output", "text (default) or json.", ("HOLYSTONE_OUTPUT",), metavar="FORMAT")
YES_DELETE_THAT_MANY: Final = Option(
    "yes-delete-that-many",
    "Delete even if it is most of a repository. An option only, so that no forgotten variable says yes.",
    kind="flag",
)
ACCEPT_NEW_BASELINE: Final = Option(
    "accept-new-baseline",
    "Go on although branches, records, tags or what else decides have shrunk since the last run. An option only.",
    kind="flag",
)
LOCK_IN_REGISTRY: Final = Option(
    "lock-in-registry",
    "Lock the repositories by a tag in each while deleting, for runs on machines that share no --state-dir.",
    ("HOLYSTONE_LOCK_IN_REGISTRY",),
    kind="flag",
)
UNTIL: Final = Option(
    "until",
    "Begin no deletion after this time of day, as this machine's clock shows it next. `holystone resume` goes on.",
    ("HOLYSTONE_UNTIL",),
    metavar="HH:MM",
)
TIME_BUDGET: Final = Option(
    "time-budget",
    "Begin no deletion later than this after the command has begun. `holystone resume` goes on.",
    ("HOLYSTONE_TIME_BUDGET",),
    metavar="DURATION",
)
REQUEST_BUDGET: Final = Option(
    "request-budget",
    "Begin no deletion once so many requests were sent for them. `holystone resume` goes on.",
    ("HOLYSTONE_REQUEST_BUDGET",),
    metavar="N",
)
YES: Final = Option(
    "yes",
    "Go on without asking. An option only, so that no forgotten variable says yes.",
    kind="flag",
)
STATE_DIR: Final = Option(
    "state-dir",
    "Folder of the journals (default ~/.local/state/holystone, or below $XDG_STATE_HOME).",
    ("HOLYSTONE_STATE_DIR",),
    metavar="DIR",
)
CACHE_DIR: Final = Option(
    "cache-dir",
    "Folder of what is known by digest (default ~/.cache/holystone, or below $XDG_CACHE_HOME).",
    ("HOLYSTONE_CACHE_DIR",),
    metavar="DIR",
)

LOG_QUIET: Final = Option(
    "log-quiet", "Say only what went wrong.", ("WERF_LOG_QUIET", "WERF_QUIET"), ("--quiet",), "flag"
)
LOG_VERBOSE: Final = Option("log-verbose", "Say more.", ("WERF_LOG_VERBOSE", "WERF_VERBOSE"), ("--verbose",), "flag")
LOG_DEBUG: Final = Option("log-debug", "Say everything.", ("WERF_LOG_DEBUG", "WERF_DEBUG"), ("--debug",), "flag")
LOG_COLOR_MODE: Final = Option("log-color-mode", "auto (default), on or off.", ("WERF_LOG_COLOR_MODE",), metavar="MODE")

LOG_FORMAT: Final = Option(
    "log-format",
    "text (default), or json: standard error is a JSON object a line.",
    ("HOLYSTONE_LOG_FORMAT",),
    metavar="FORMAT",
)
METRICS_FILE: Final = Option(
    "metrics-file",
    "Write metrics to FILE at the end, for the textfile collector of Prometheus's node_exporter.",
    ("HOLYSTONE_METRICS_FILE",),
    metavar="FILE",
)
METRICS_PUSH: Final = Option(
    "metrics-push",
    "Push metrics to Prometheus's Pushgateway at URL at the end.",
    ("HOLYSTONE_METRICS_PUSH",),
    metavar="URL",
)


def _accepted(name: str, why: str, *variables: str, **rest: object) -> Option:
    return msgspec.convert(
        {"name": name, "help": f"No effect: {why}.", "variables": variables, "no_effect": why, "hidden": True, **rest},
        Option,
    )


_PLAIN_LOG: Final = "the log is plain lines"

WITHOUT_EFFECT: Final = (
    _accepted("synchronization", "a cleanup takes none of werf's locks", "WERF_SYNCHRONIZATION", aliases=("-S",)),
    _accepted("home-dir", "nothing is kept in werf's home", "WERF_HOME"),
    _accepted("tmp-dir", "no temporary files are made", "WERF_TMP_DIR"),
    _accepted("ssh-key", "git uses your own ssh set-up", "WERF_SSH_KEY_*", kind="many"),
    _accepted("force", "it concerns containers of a local stages storage", kind="flag"),
    _accepted("log-pretty", _PLAIN_LOG, "WERF_LOG_PRETTY", kind="flag"),
    _accepted("log-project-dir", _PLAIN_LOG, "WERF_LOG_PROJECT_DIR", kind="flag"),
    _accepted("log-terminal-width", _PLAIN_LOG, "WERF_LOG_TERMINAL_WIDTH"),
)
TAGS: Final = Option(
    "tags",
    "List of tags: lines of TAG[,TIME[,DIGEST]], or JSON; - is standard input.",
    metavar="LIST",
)
REGISTRIES: Final = Option(
    "registries",
    "Read all repositories that the policies name, as a dry run does, and say what each entry keeps there.",
    kind="flag",
)
REPOSITORY: Final = Option("repository", "Where the tags are, which says whose policy it is.", metavar="NAME")
KEEP: Final = Option("keep", "Leave the registry running afterwards, until Ctrl-C, to look around in it.", kind="flag")

AS_FILE: Final = Option("as-file", "Write a script to be sourced and print its path.", ("WERF_AS_FILE",), kind="flag")
AS_ENV_FILE: Final = Option(
    "as-env-file", "Write a file of NAME=value lines and print its path.", ("WERF_AS_ENV_FILE",), kind="flag"
)
OUTPUT_FILE_PATH: Final = Option(
    "output-file-path", "Write to FILE.", ("WERF_OUTPUT_FILE_PATH",), ("-o",), metavar="FILE"
)
SHELL: Final = Option("shell", "default: any Unix shell; there is no other.", ("WERF_SHELL",), metavar="NAME")
TAGGING_STRATEGY: Final = _accepted("tagging-strategy", "a cleanup tags nothing")
