"""Where projects keep images and stages: what lies there is theirs, and no policy's."""

from holystone.engine.model.references import Repository
from holystone.engine.names import parse_address, repository_of
from holystone.policies.retention.rules import WerfProject


def places_of(project: WerfProject) -> tuple[str, ...]:
    """How the canonical names of what lies there begin: images may be in all of a registry."""
    return tuple(dict.fromkeys(map(_place, (project.images_repo, project.stages_storage))))


def lies_at(repository: Repository, place: str) -> bool:
    name = str(repository.canonical)
    return name == place or name.startswith(f"{place}/")


def has_place_of(project: WerfProject, repository: Repository) -> bool:
    return any(lies_at(repository, place) for place in places_of(project))


def _place(address: str) -> str:
    parsed = parse_address(address)
    return str(repository_of(parsed).canonical) if parsed.path else parsed.host.removesuffix(":443")
