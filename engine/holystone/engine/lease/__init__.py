"""A lock in the registry itself, for runs on machines that share nothing else: a tag that says who works there, and
until when."""

from holystone.engine.lease.hold import holding, holding_all
from holystone.engine.lease.tags import (
    LASTS,
    LockTag,
    false_locks,
    false_locks_text,
    is_lock_tag,
    live_lock,
    lock_tag,
    parse_lock_tag,
)

__all__ = [
    "LASTS",
    "LockTag",
    "false_locks",
    "false_locks_text",
    "holding",
    "holding_all",
    "is_lock_tag",
    "live_lock",
    "lock_tag",
    "parse_lock_tag",
]
