"""The page about retention, as tests read it."""

import re
from pathlib import Path
from typing import Final

PAGE: Final = Path("docs/retention.md")


def example() -> str:
    """The page's whole file."""
    return _blocks("yaml")[0]


def fragments() -> list[str]:
    """The page's other pieces of YAML: each is one keep entry or more, as they stand in a list."""
    return _blocks("yaml")[1:]


def keep_options() -> list[str]:
    """What the page shows after `--keep`."""
    return re.findall(r"--keep '([^']+)'", PAGE.read_text())


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
