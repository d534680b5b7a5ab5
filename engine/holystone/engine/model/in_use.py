"""Images in use, as whoever runs them names them."""

from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.value import Value


class Workload(Value, frozen=True, tag="workload"):
    """What runs the image in a Kubernetes cluster."""

    context: str
    namespace: str
    kind: str
    """As the API spells it, e.g. `Deployment`."""
    name: str


class ListEntry(Value, frozen=True, tag="listed"):
    """A line of a list of images that somebody says are in use."""

    source: str
    """The file's name, or `standard input`, with the line."""


User = Workload | ListEntry


class UsedImage(Value, frozen=True):
    """An image that must not go. A digest may be that of a manifest, an index or a configuration: runtimes report any
    of them."""

    repository: Repository | None
    """None where only a digest is known."""
    tag: Tag | None
    digest: Digest | None
    by: User
