"""Who says which registry this is, and what is therefore not shown to it."""

from typing import Final

from yarl import URL

from holystone.adapters.credentials.reference import Login
from holystone.adapters.http.reply import address
from holystone.adapters.registries.detection import is_vendors_own, named
from holystone.adapters.registries.reach import NamedPlace
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost

_WHERE: Final = (
    "--images-repo or --stages-storage, whichever it is, or, where `prune` made the plan, in the file of --config"
)


def borne_out(host: RegistryHost, implementation: str, at: NamedPlace | None) -> bool:
    """Whether the registry is what it is taken for, by the host's name, or by this command's own words (`at`), whatever
    anybody else says."""
    if is_vendors_own(host, implementation):
        return True
    if at is None or at.address.host != host:
        return False
    found = named(at.address, at.implementation)
    return found is not None and found.implementation == implementation


def refuse_unvouched_api(host: RegistryHost, url: URL, at: NamedPlace | None) -> None:
    """A file could have what Docker's configuration holds for one host shown to the API of another. Raises
    UsageError."""
    if url.host == URL(f"//{host}").host:
        return
    if at is None or at.address.host != host:
        raise UsageError(
            f"Nobody but a plan or the journal says that the API at {address(url)} is that of {host}, so what is known "
            "of the one is not shown to the other.",
            what_to_do=f"If it is, name the registry in {_WHERE}. If not, leave --repo-api-url out.",
        )


def other_login(host: RegistryHost, implementation: str, login: Login) -> UsageError:
    """A registry may say whose it is in order to be shown the login of another one, and so may a file; Docker's
    configuration goes by host."""
    return UsageError(
        f"Nobody but {host} itself, a plan or the journal says that it is {implementation}. That is not enough to "
        f"send it the login of {login.origin}, which may be another registry's.",
        what_to_do=f"If the login is meant for it, name it in {_WHERE}, and add --repo-implementation "
        f"{implementation}. If not, leave it out, and log in with docker login.",
    )
