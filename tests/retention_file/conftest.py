"""Files of policies, as a person has them in a folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holystone.settings.retention_file import LoadedRetention, load_retention_file

Load = Callable[..., LoadedRetention]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """`load(text, **others)`: what a file says, with other files beside it (`a_csv="…"` is `a.csv`)."""

    def load(text: str, **others: str) -> LoadedRetention:
        for name, content in {"policies_yaml": text, **others}.items():
            path = tmp_path / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return load_retention_file(tmp_path / "policies.yaml", Path("/home/me"))

    return load
