"""A list of `--in-use`, and what `git ls-remote` prints."""

import io

from holystone.adapters.git.origin import _objects
from holystone.engine.errors import UsageError
from holystone.settings.in_use_lists import _images

SEEDS = (
    b"registry.example/team/app:v1 # live\n\nsha256:" + b"0" * 64 + b"\n",
    b"0" * 40 + b"\trefs/heads/main\n" + b"1" * 40 + b"\trefs/tags/v1\n" + b"2" * 40 + b"\trefs/tags/v1^{}\n",
)


def parse(data: bytes) -> None:
    try:
        list(_images(io.BytesIO(data), "list"))
    except UsageError as error:
        str(error)
    _objects(data)
