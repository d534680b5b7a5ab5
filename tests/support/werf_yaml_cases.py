"""The recorded werf.yaml files as values, and what a project's policies keep of the history they were judged by."""

import json
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from holystone.engine.model.history import GitReference
from holystone.engine.model.references import Commit
from holystone.engine.model.verdicts import Keep
from holystone.policies.git_references import heads_to_ask, select_references
from holystone.policies.werf.v1.git_history import commits_to_ask, decide_images
from holystone.settings.project import Project
from tests.support.commit_graph import CommitGraph
from tests.support.git_history_cases import NOW, WireCommit, WireTag
from tests.support.image_values import commit_id, image_tag, metadata_record

_FILE = Path(__file__).parents[1] / "vectors" / "werf-yaml.json"


class Decided(msgspec.Struct, frozen=True):
    project: str
    images: list[str]
    """Sorted."""
    kept: list[str]
    """The commits whose images stay, sorted."""


class YamlCase(msgspec.Struct, frozen=True):
    name: str
    files: dict[str, list[str]]
    """The lines of each, by its path in the project."""
    werf: Decided | None
    """None: werf refused the file, or broke on it."""
    rendered: list[str] | None = None
    """What werf made of a template."""
    differs: Literal["refused", "accepted", "keeps more", ""] = ""
    """What Holystone does instead."""
    row: str = ""
    """Words of the line in docs/werf-compatibility.md that says so."""

    @property
    def is_template(self) -> bool:
        name = "werf.yml" if "werf.yml" in self.files else "werf.yaml"
        return any("{{" in line for line in self.files[name])

    def write(self, folder: Path) -> None:
        for name, lines in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes("\n".join(lines).encode())


class _History(msgspec.Struct, frozen=True):
    commits: list[WireCommit]
    branches: dict[str, str]
    tags: dict[str, WireTag]


class _Recorded(msgspec.Struct, frozen=True):
    environ: dict[str, str]
    history: _History
    cases: list[YamlCase]


@cache
def recorded() -> _Recorded:
    return msgspec.convert(json.loads(_FILE.read_bytes()), _Recorded)


def decided(project: Project) -> Decided:
    graph, references, names = _world()
    selected = select_references(references, project.keep_policies, NOW)
    records = [metadata_record(commit, name) for name, commit in names.items()]
    history = graph.history(heads_to_ask(selected), commits_to_ask(records))
    verdicts = decide_images([image_tag(name, name) for name in names], records, history, selected, v1_2=True, now=NOW)
    kept = [name for name in names if isinstance(verdicts.tags[image_tag(name, name).reference.tag], Keep)]
    return Decided(project.name or "", sorted(map(str, project.images)), sorted(kept))


@cache
def _world() -> tuple[CommitGraph, list[GitReference], dict[str, Commit]]:
    history = recorded().history
    names = {each.id: commit_id(each.id) for each in history.commits}
    graph = CommitGraph(
        {names[each.id]: [names[parent] for parent in each.parents] for each in history.commits},
        {names[each.id]: NOW - each.age for each in history.commits},
    )
    references = [GitReference("branch", name, names[c], graph.times[names[c]]) for name, c in history.branches.items()]
    for name, tag in history.tags.items():
        date = graph.times[names[tag.commit]] if tag.tagger_age is None else NOW - tag.tagger_age
        references.append(GitReference("tag", name, names[tag.commit], date))
    return graph, references, names
