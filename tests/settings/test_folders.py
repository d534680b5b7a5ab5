"""Where journal and cache are if nobody says: as the help and the docs say."""

import re
import sys
from pathlib import Path

import pytest

from holystone.settings import options
from holystone.settings.option import Option
from holystone.settings.run import resolve_journal

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
@pytest.mark.parametrize(("option", "field"), [(options.STATE_DIR, "state_dir"), (options.CACHE_DIR, "cache_dir")])
def test_help_and_docs_name_the_folder_that_is_used(
    option: Option, field: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    used = getattr(resolve_journal({}, {"HOME": str(tmp_path)}).run, field)
    said = f"~/{used.relative_to(tmp_path)}"
    assert f"default {said}," in option.help
    for page in ("README.md", "docs/werf-compatibility.md"):
        assert f"`{said}`" in (ROOT / page).read_text()
    variable = re.search(r"\$(XDG_\w+)", option.help)
    assert variable
    monkeypatch.setenv(variable[1], str(tmp_path / "elsewhere"))
    assert getattr(resolve_journal({}, {"HOME": str(tmp_path)}).run, field) == tmp_path / "elsewhere" / "holystone"
