"""What a run over many repositories leaves alone, since it cannot be judged or must not be touched: one bad repository
does not stop the others."""

from collections.abc import Collection, Sequence

from holystone.engine.model.references import RegistryHost, Repository
from holystone.engine.model.refusals import Refusal
from holystone.engine.model.value import Value


class Failure(Value, frozen=True, tag_field="kind", tag="failure"):
    """It could not be read, or its plan could not be proven."""

    error: str
    """The kind of the error."""
    message: str
    what_to_do: str


class SetAside(Value, frozen=True):
    host: RegistryHost
    repository: Repository | None
    """None: all of the registry. The stages storage, where it is all of a project."""
    why: tuple[Refusal | Failure, ...]
    project: str = ""
    """The project that is left alone as a whole, as people call it; empty where it is none."""

    @property
    def shown(self) -> str:
        return f"the project in {self.project}" if self.project else str(self.repository or self.host)

    @property
    def place(self) -> RegistryHost | Repository | None:
        """What is left alone with all that is there. None: a project, beside which others may have theirs."""
        return None if self.project else self.repository or self.host


def is_set_aside(repository: Repository, among: Collection[RegistryHost | Repository]) -> bool:
    return any(at in among or at.host in among for at in (repository, repository.canonical))


def in_order(set_aside: Sequence[SetAside]) -> tuple[SetAside, ...]:
    """Registries before what is in them; of a registry that is left alone as a whole nothing else is said, but which
    projects are: they may have something elsewhere."""
    whole = {each.host for each in set_aside if each.repository is None}
    return tuple(
        sorted(
            (each for each in set_aside if each.repository is None or each.project or each.host not in whole),
            key=lambda each: (each.host, str(each.repository or ""), each.project),
        )
    )
