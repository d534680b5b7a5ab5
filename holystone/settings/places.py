"""Whether a run in the journal is about the project whose addresses somebody has given."""

from collections.abc import Callable

import msgspec

from holystone.engine.model.addresses import Address
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Repository


class ProjectPlaces(msgspec.Struct, frozen=True):
    """What was given of a project's addresses."""

    images: Address | None = None
    storage: Repository | None = None

    @property
    def are_given(self) -> bool:
        return bool(self.images or self.storage)

    def has(self, plan: Plan) -> bool:
        """All that the plan is about lies there. A stages storage tells a project apart from one whose images lie
        further down in the same images repo."""
        own: dict[str, Callable[[Repository], bool]] = {"images": self._has_image, "stages": self._is_storage}
        return bool(plan.repositories) and all(own[each.place](each.repository) for each in plan.repositories)

    def _has_image(self, repository: Repository) -> bool:
        if self.images is None:
            return True
        at, host = repository.canonical, self.images.host.removesuffix(":443")
        path = self.images.path
        return at.host == host and (path is None or at.path == path or at.path.startswith(f"{path}/"))

    def _is_storage(self, repository: Repository) -> bool:
        return self.storage is None or repository.canonical == self.storage.canonical
