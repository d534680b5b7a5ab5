"""The recorded decisions of werf as values."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from holystone.engine.model.history import GitReference, History
from holystone.engine.model.references import Commit
from holystone.engine.model.verdicts import Keep
from holystone.policies.git_references import SelectedReference, select_references
from holystone.policies.keep_policies import KeepPolicy, default_keep_policies
from holystone.policies.keep_policies_data import parse_keep_policies
from holystone.policies.werf.v1.git_history import commits_to_ask, decide_images
from tests.support.image_values import commit_id, image_tag, metadata_record

NOW = 1_800_000_000
Asked: TypeAlias = Callable[[Sequence[SelectedReference], frozenset[Commit]], History]
"""How a test gets the history of the commits of interest."""
_FILE = Path(__file__).parents[1] / "vectors" / "git-history-policy.json"


class WireCommit(msgspec.Struct, frozen=True):
    id: str
    parents: list[str]
    age: int


class WireTag(msgspec.Struct, frozen=True):
    commit: str
    tagger_age: int | None = None


class Expected(msgspec.Struct, frozen=True):
    references: list[str]
    kept_signatures: list[str]
    metadata_commits_kept: list[str]


class Case(msgspec.Struct, frozen=True, rename={"keep_policies": "keepPolicies"}):
    seed: int
    commits: list[WireCommit]
    branches: dict[str, str]
    tags: dict[str, WireTag]
    keep_policies: list[Any]
    signatures: dict[str, list[str]]
    expected: Expected

    @property
    def policies(self) -> tuple[KeepPolicy, ...]:
        return parse_keep_policies(self.keep_policies) or default_keep_policies()

    def check(self, references: Sequence[GitReference], names: Mapping[str, Commit], history: Asked) -> None:
        """`names`: commit ids by their names in the case; the others do not exist."""
        ids = {name: names.get(name, commit_id(name)) for ids in self.signatures.values() for name in ids}
        selected = select_references(references, self.policies, NOW)
        assert sorted(each.reference.shown for each in selected) == self.expected.references
        records = [metadata_record(ids[name], key) for key, found in self.signatures.items() for name in found]
        tags = [image_tag(f"{key}-{number}", key) for key in self.signatures for number in (1, 2)]
        asked = history(selected, commits_to_ask(records))
        decision = decide_images(tags, records, asked, selected, v1_2=True, now=NOW)
        kept = {key for key in self.signatures if isinstance(decision.tags[image_tag(f"{key}-1").reference.tag], Keep)}
        assert sorted(kept) == self.expected.kept_signatures
        twins = {key for key in self.signatures if isinstance(decision.tags[image_tag(f"{key}-2").reference.tag], Keep)}
        assert twins == kept
        stays = {r.commit for r in records if isinstance(decision.metadata[r.tag], Keep)}
        # The recording left out commits that do not exist: their records stay as long as their content does.
        assert sorted(name for name in names if names[name] in stays) == self.expected.metadata_commits_kept
        lost = {ids[name] for key in kept for name in self.signatures[key] if name not in names}
        assert stays == lost | {names[name] for name in self.expected.metadata_commits_kept}


@cache
def recorded_cases() -> tuple[Case, ...]:
    return msgspec.convert(tuple(json.loads(_FILE.read_bytes())["cases"]), tuple[Case, ...])
