"""The options of purge and managed-images: what each uses, and behind that all that a cleanup takes, without effect.

So one set of words and variables serves every command of werf's, as it does there.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from holystone.settings import options as o
from holystone.settings.options import Option


def _said(option: Option, help_text: str) -> Option:
    return msgspec.structs.replace(option, help=help_text)


def _table(used: Iterable[Option], why: str) -> tuple[Option, ...]:
    """In the order of `used`; `why` the rest has no effect."""
    ours = {each.key: each for each in used}
    rest = (each for each in o.CLEANUP_OPTIONS if each.key not in ours)
    idle = (
        each if each.no_effect else msgspec.structs.replace(each, help=f"No effect: {why}.", no_effect=why, hidden=True)
        for each in rest
    )
    return (*ours.values(), *idle)


_PROJECT: Final = (
    o.DIR,
    o.CONFIG,
    o.CONFIG_TEMPLATES_DIR,
    _said(o.PROJECT_NAME, "Name of the project where no werf.yaml says it. Tags that say they are another's stay."),
)
_RUN: Final = (o.DRY_RUN, o.PLAN_OUT, o.OUTPUT, o.LOCK_IN_REGISTRY, o.STATE_DIR, o.CACHE_DIR, *o.LOG_OPTIONS)
_REGISTRY: Final = tuple(each for each in o.REGISTRY_OPTIONS if each is not o.IMAGES_REPO)
_BUILT_ON_THEM: Final = _said(o.IMAGES_REPO, "Where the final images are, to say how many were built on the stages.")
_NO_POLICY: Final = "a purge asks no policy"

_FIRST: Final = (o.STAGES_STORAGE, o.YES, o.DRY_RUN, o.PLAN_OUT)
_REST: Final = (*_REGISTRY, *_PROJECT, o.IMAGE, *_RUN)

IMAGES_PURGE_OPTIONS: Final = _table((o.IMAGES_REPO, *_FIRST, *_REST), _NO_POLICY)
STAGES_PURGE_OPTIONS: Final = _table((_BUILT_ON_THEM, *_FIRST, *_REST), _NO_POLICY)

_STORAGE: Final = tuple(each for each in _REGISTRY if not each.name.startswith("images-repo-"))
_RECORDS_ONLY: Final = "only records in the stages storage are concerned"
_LIST_RUN: Final = (o.OUTPUT, o.CACHE_DIR, *o.LOG_OPTIONS)

LS_OPTIONS: Final = _table((*_STORAGE, *_LIST_RUN), _RECORDS_ONLY)
ADD_OPTIONS: Final = _table((o.STAGES_STORAGE, o.DRY_RUN, *_STORAGE, *_PROJECT, *_LIST_RUN), _RECORDS_ONLY)
RM_OPTIONS: Final = _table((o.STAGES_STORAGE, o.DRY_RUN, o.PLAN_OUT, *_STORAGE, *_RUN), _RECORDS_ONLY)
