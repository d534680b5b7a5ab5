"""Plan files, as whoever edits one by hand sees them."""

import json
from pathlib import Path
from typing import Any


def content(file: Path) -> dict[str, Any]:
    """All that its lines say, as one object."""
    head, *repositories, end = map(json.loads, file.read_text().splitlines())
    return {**head, "repositories": repositories, "hash": end["hash"]}


def write_content(file: Path, content: dict[str, Any]) -> None:
    """`hash` as it is there: nothing is sealed anew."""
    head = {key: value for key, value in content.items() if key not in ("repositories", "hash")}
    end = {"repositories": len(content["repositories"]), **{key: content[key] for key in content if key == "hash"}}
    file.write_text("".join(json.dumps(line) + "\n" for line in (head, *content["repositories"], end)))
