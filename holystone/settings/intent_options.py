"""The options of what decides who stays: git history, strategies of tags, images in use. See `options`."""

from typing import Final

from holystone.settings.option import Option

ALLOW_GIT_SHALLOW_CLONE: Final = Option(
    "allow-git-shallow-clone",
    "Go on in a shallow clone; what depends on missing history is kept.",
    ("WERF_ALLOW_GIT_SHALLOW_CLONE",),
    kind="flag",
    decides=True,
)
GIT_HISTORY_SYNCHRONIZATION: Final = Option(
    "git-history-synchronization",
    "Fetch the whole history from origin first.",
    ("WERF_GIT_HISTORY_SYNCHRONIZATION", "WERF_GIT_UNSHALLOW"),
    ("--git-unshallow",),
    "flag",
    decides=True,
)
GIT_HISTORY_BASED_CLEANUP: Final = Option(
    "git-history-based-cleanup",
    "Decide by git history and keep policies (default true); false: by the strategy each tag was made by.",
    ("WERF_GIT_HISTORY_BASED_CLEANUP",),
    kind="flag",
    decides=True,
)
GIT_HISTORY_BASED_CLEANUP_V1_2: Final = Option(
    "git-history-based-cleanup-v1.2",
    "Delete images without metadata too (default true). Given explicitly, it also confirms that no image having "
    "metadata is no mistake.",
    ("WERF_GIT_HISTORY_BASED_CLEANUP_v1_2",),
    kind="flag",
    decides=True,
)


def _strategy_options(strategy: str, *, hidden: bool = False) -> tuple[Option, Option]:
    """The options of a tag strategy: its limit and its expiry."""
    limit, expiry = f"{strategy}-strategy-limit", f"{strategy}-strategy-expiry-days"
    by = "With --git-history-based-cleanup=false:"
    return (
        Option(
            limit,
            f"{by} keep the newest N tags of an image that {strategy} made (default -1: all).",
            (f"WERF_{limit}".upper().replace("-", "_"),),
            metavar="N",
            hidden=hidden,
        ),
        Option(
            expiry,
            f"{by} keep tags that {strategy} made for N days (default -1: for ever).",
            (f"WERF_{expiry}".upper().replace("-", "_"),),
            metavar="N",
            hidden=hidden,
        ),
    )


GIT_TAG_STRATEGY: Final = _strategy_options("git-tag")
GIT_COMMIT_STRATEGY: Final = _strategy_options("git-commit")
STAGES_SIGNATURE_STRATEGY: Final = _strategy_options("stages-signature", hidden=True)  # as in werf

KUBE_CONFIG: Final = Option(
    "kube-config",
    "Kubernetes configuration, or a path list of several (default ~/.kube/config, then in-cluster).",
    ("WERF_KUBE_CONFIG", "WERF_KUBECONFIG", "KUBECONFIG"),
    metavar="FILES",
)
KUBE_CONFIG_BASE64: Final = Option(
    "kube-config-base64",
    "Kubernetes configuration itself, in base64.",
    ("WERF_KUBE_CONFIG_BASE64", "WERF_KUBECONFIG_BASE64", "KUBECONFIG_BASE64"),
    credential="secret",
)
KUBE_CONTEXT: Final = Option(
    "kube-context", "Ask this context only (default: all).", ("WERF_KUBE_CONTEXT",), metavar="NAME"
)
EXCLUDE_KUBE_CONTEXT: Final = Option(
    "exclude-kube-context",
    "Do not ask this context (repeatable).",
    ("HOLYSTONE_EXCLUDE_KUBE_CONTEXT_*",),
    kind="many",
    metavar="NAME",
)
SCAN_CONTEXT_NAMESPACE_ONLY: Final = Option(
    "scan-context-namespace-only",
    "Ask each context's own namespace only.",
    ("WERF_SCAN_CONTEXT_NAMESPACE_ONLY",),
    kind="flag",
    decides=True,
)
WITHOUT_KUBE: Final = Option(
    "without-kube", "Do not ask any cluster which images are in use.", ("WERF_WITHOUT_KUBE",), kind="flag", decides=True
)
IN_USE: Final = Option(
    "in-use",
    "Text file with an image in use on each line, '-' for standard input (repeatable).",
    ("HOLYSTONE_IN_USE_*",),
    kind="many",
    metavar="FILE",
)
