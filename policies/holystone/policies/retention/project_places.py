"""Where projects keep images and stages: what lies there is theirs, and no policy's."""

from collections.abc import Sequence
from itertools import accumulate

from holystone.engine.model.references import Repository
from holystone.engine.names import parse_address, repository_of
from holystone.policies.retention.rules import WerfProject


def places_of(project: WerfProject) -> tuple[str, ...]:
    """How the canonical names of what lies there begin: images may be in all of a registry."""
    return tuple(dict.fromkeys(map(_place, (project.images_repo, project.stages_storage))))


def places_above(repository: Repository) -> Sequence[str]:
    """All places at which it may be said to lie, from its registry down to itself."""
    return list(accumulate(str(repository.canonical).split("/"), "{}/{}".format))


def lies_in(project: WerfProject, repository: Repository) -> bool:
    return not set(places_of(project)).isdisjoint(places_above(repository))


def _place(address: str) -> str:
    parsed = parse_address(address)
    return str(repository_of(parsed).canonical) if parsed.path else parsed.host.removesuffix(":443")
