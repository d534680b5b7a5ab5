"""A lock in the registry itself, for runs on machines that share nothing else: a tag that says who works there, and
until when."""

from holystone.adapters.state.registry_tags.hold import holding

__all__ = ["holding"]
