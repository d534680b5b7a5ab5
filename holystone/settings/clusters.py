"""Who is asked what is in use: options and variables → clusters and lists."""

import os
from pathlib import Path

import msgspec

from holystone.engine.errors import UsageError
from holystone.settings import intent_options as intent
from holystone.settings.given import Given
from holystone.settings.secrets import secret_reference
from holystone.settings.values import KubernetesSettings


def resolve_clusters(given: Given) -> KubernetesSettings:
    """For what is planned. Raises UsageError."""
    return _narrowed(_whole(given), given)


def resolve_clusters_again(given: Given) -> KubernetesSettings:
    """For what was planned before. Variables are set for all commands at once: what they leave out was left out of the
    plan, too, or was asked for it, and then is asked again. Only what somebody types leaves out more. Raises
    UsageError."""
    return _narrowed(_whole(given), given.typed())


def _whole(given: Given) -> KubernetesSettings:
    config, base64 = map(given.filled, (intent.KUBE_CONFIG, intent.KUBE_CONFIG_BASE64))
    return KubernetesSettings(
        default_config=given.home / ".kube" / "config",
        config=tuple(given.expanded(path) for path in config.text.split(os.pathsep) if path) if config else None,
        config_base64=secret_reference(given, base64) if base64 else None,
    )


def _narrowed(settings: KubernetesSettings, given: Given) -> KubernetesSettings:
    context = given.filled(intent.KUBE_CONTEXT)
    return msgspec.structs.replace(
        settings,
        context=context.text if context else None,
        excluded=tuple(value.text for value in given.values(intent.EXCLUDE_KUBE_CONTEXT)),
        context_namespace_only=given.flag(intent.SCAN_CONTEXT_NAMESPACE_ONLY),
        without=_without_kube(given),
    )


def _without_kube(given: Given) -> bool:
    """Raises UsageError where a variable says that nobody is to be asked, and somebody has typed whom to ask."""
    value = given.one(intent.WITHOUT_KUBE)
    if value is None or not given.flag(intent.WITHOUT_KUBE):
        return False
    typed = [
        each for each in (intent.KUBE_CONFIG, intent.KUBE_CONFIG_BASE64, intent.KUBE_CONTEXT) if given.is_typed(each)
    ]
    if typed and value.is_of_variable:
        raise UsageError(
            f"{typed[0].flag} says which cluster to ask, and {value.source} to ask none",
            what_to_do=f"Add {intent.WITHOUT_KUBE.flag}=false, or leave {typed[0].flag} out.",
        )
    return True


def resolve_lists(given: Given) -> tuple[Path | None, ...]:
    files: dict[Path | None, None] = {}
    for text, source in given.values(intent.IN_USE):
        if not text:
            raise UsageError(f"{source}: an empty name", what_to_do="Name a file, or - for standard input.")
        files[None if text == "-" else given.expanded(text)] = None
    return tuple(files)
