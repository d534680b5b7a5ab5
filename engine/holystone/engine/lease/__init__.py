"""A lock in the registry itself, for runs on machines that share nothing else: a tag that says who works there, and
until when."""

from holystone.engine.lease.hold import holding, holding_all
from holystone.engine.lease.tags import LockTag, is_lock_tag, live_lock, lock_tag, parse_lock_tag

__all__ = ["LockTag", "holding", "holding_all", "is_lock_tag", "live_lock", "lock_tag", "parse_lock_tag"]
