"""Capabilities of a registry that was shown to do what it is asked to do and nothing else. It deletes by digest."""

from typing import Any

import msgspec

from holystone.engine.model.capabilities import GENTLE, Capabilities


def gentle(implementation: str, **more: Any) -> Capabilities:
    """`more`: in what it differs."""
    return msgspec.structs.replace(GENTLE, **{"implementation": implementation, "tags": None, **more})
