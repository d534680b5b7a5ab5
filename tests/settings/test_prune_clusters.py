"""Which clusters `prune` asks what is in use: what its file of policies says, and what a project's variables do not."""

from pathlib import Path

import pytest

from holystone.engine.errors import UsageError
from holystone.settings.prune import PruneSettings, resolve_prune

NARROW = {
    "WERF_WITHOUT_KUBE": "true",
    "WERF_KUBE_CONTEXT": "staging",
    "HOLYSTONE_EXCLUDE_KUBE_CONTEXT": "prod",
    "WERF_SCAN_CONTEXT_NAMESPACE_ONLY": "true",
}


def resolved(folder: Path, said: str, *, environ: dict[str, str], **typed: str) -> PruneSettings:
    file = folder / "holystone.yaml"
    file.write_text(
        f"format: 1\nin-use: {{kubernetes: {said}}}\npolicies:\n"
        '  - {name: all, repositories: ["r.example.com/**"], keep: [{newest: 3}]}\n'
    )
    return resolve_prune({"config": str(file), **typed}, {"HOME": str(folder), **environ}, ())


@pytest.mark.parametrize("said", ["all", "[prod, staging]"])
def test_what_a_file_says_is_not_narrowed_by_variables_of_a_project(tmp_path: Path, said: str) -> None:
    """They are set for all commands of a pipeline, and what runs elsewhere would go."""
    made = resolved(tmp_path, said, environ=NARROW)
    assert made.kubernetes == resolved(tmp_path, said, environ={}).kubernetes
    assert not made.kubernetes.without


def test_it_is_not_narrowed_on_the_command_line_either(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--scan-context-namespace-only says which clusters are asked what is in use"):
        resolved(tmp_path, "all", environ={}, scan_context_namespace_only="true")
