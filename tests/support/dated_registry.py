"""A registry with tags by the day on which each was built, and files of policies about it."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holystone.engine.model.references import RepositoryPath
from tests.support import images
from tests.support.command_line import Bench, now

DAY: Final = 86_400


class Registry:
    """Repositories with tags, by the day on which each was built."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def push(self, path: str, tags: Mapping[str, float], *, labels: Mapping[str, str] | None = None) -> None:
        """`tags`: how many days ago each was built."""
        at = RepositoryPath(path)
        for tag, days in tags.items():
            built = dt.datetime.fromtimestamp(now() - days * DAY, dt.UTC)
            config = images.config(f"{path}:{tag}", created=built.isoformat(), labels=dict(labels or {}))
            self.bench.registry.storage.put_blob(at, config)
            raw = images.image(config)
            self.bench.registry.storage.put_manifest(at, raw.body, raw.media_type, tag)

    def tags(self, path: str) -> list[str]:
        return sorted(self.bench.registry.storage.repositories[RepositoryPath(path)].tags)

    def file(self, policies: str, **rest: str) -> Path:
        """A file of policies, in which HOST is the registry."""
        file = self.bench.project / "holystone.yaml"
        more = "".join(f"{key}: {text}\n" for key, text in {"in-use": "{kubernetes: none}", **rest}.items())
        file.write_text(f"format: 1\n{more}policies:\n{policies}".replace("HOST", self.bench.registry.host))
        return file


def aged(prefix: str, number: int, *, first: float = 1, step: float = 1) -> dict[str, float]:
    """Tags that are called PREFIX-1 and so on, each a day older than the one before."""
    return {f"{prefix}-{each + 1}": first + each * step for each in range(number)}
