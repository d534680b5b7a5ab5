"""Tags that a run has pushed over and did not come to delete: what they had is in its journal, and no rule judges
them."""

import re
from collections.abc import Iterator
from typing import Final

from holystone.engine.executor.tombstones import RUN_LABEL
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Tag

_RUN: Final = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
"""Whoever may push can write anything into a label."""


def tombstones(snapshot: RepositorySnapshot) -> Iterator[tuple[Tag, str]]:
    """Each with its run, as far as manifests' annotations, or configurations, were asked for and say it."""
    for tag, digest in snapshot.tags.items():
        manifest, config = snapshot.manifests.get(digest), snapshot.image(tag)
        said = (manifest.annotations if manifest else {}, config.labels if config else {})
        run = next((labels[RUN_LABEL] for labels in said if RUN_LABEL in labels), "")
        if _RUN.fullmatch(run):
            yield tag, run
