"""What a reading remembers of what it reads, and what it looks at besides."""

from collections.abc import Callable
from typing import Final

import msgspec

from holystone.engine.model.manifests import Labels, every_label
from holystone.engine.model.references import Tag


class Contents(msgspec.Struct, frozen=True):
    """What is remembered of what is read."""

    labels: Labels = every_label
    """Those of configurations."""
    annotations: Labels | None = None
    """Those of manifests; None: none."""
    parts: bool = False
    """The configurations of an index's images are read like a tag's own."""
    undated: Callable[[Tag], bool] = lambda _: False
    """Tags of which configurations are looked at where the listing says of neither tag nor manifest when it came."""
    immutable: Callable[[Tag], bool] = lambda _: False
    """Tags that carry their content in their names."""


EVERY_LABEL: Final = Contents()
