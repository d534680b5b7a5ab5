"""Which project, location and Artifact Registry repository an image belongs to.

Sources: cloud.google.com/artifact-registry/docs/transition/setup-gcr-repo (what serves gcr.io),
GoogleCloudPlatform/docker-credential-gcr:config/const.go (regional hosts). That a domain-scoped project takes two parts
of the path, `example.com/project` for `example.com:project`, is documented for gcr.io and assumed for pkg.dev.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from yarl import URL

from holystone.engine.model.addresses import hostname
from holystone.engine.model.references import RegistryHost, RepositoryPath

API: Final = URL("https://artifactregistry.googleapis.com")
_LOCATIONS: Final = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}
"""Where each of the old hosts is; the Artifact Registry repository is called like the host."""
_LOCAL: Final = re.compile(r"(?P<everywhere>[a-z0-9-]+)-docker\.pkg\.dev|docker\.(?P<region>[a-z0-9-]+)\.rep\.pkg\.dev")
_GOOGLE: Final = re.compile(r"gcr\.io|.+\.gcr\.io|.+\.pkg\.dev")


@dataclass(frozen=True, slots=True)
class Image:
    project: str
    location: str
    repository: str
    """Artifact Registry's: a folder of images."""
    package: str
    """The image's name in it; may hold slashes."""

    @property
    def folder(self) -> str:
        """The resource name of the repository: a path below /v1/."""
        project, location, repository = (quote(part, safe="") for part in self._parts)
        return f"projects/{project}/locations/{location}/repositories/{repository}"

    @property
    def siblings(self) -> str:
        """The resource name of all repositories of the project in this location."""
        project, location, _ = (quote(part, safe="") for part in self._parts)
        return f"projects/{project}/locations/{location}/repositories"

    @property
    def resource(self) -> str:
        """The resource name of the image: the slashes of its name are escaped."""
        return f"{self.folder}/packages/{quote(self.package, safe='')}"

    @property
    def _parts(self) -> tuple[str, str, str]:
        return self.project, self.location, self.repository

    @property
    def update_command(self) -> str:
        """The beginning of a command for the repository's settings."""
        project, location, repository = self._parts
        return f"gcloud artifacts repositories update {repository} --project={project} --location={location}"


def is_google(host: RegistryHost) -> bool:
    """May see a credential of Google's."""
    return _GOOGLE.fullmatch(hostname(host)) is not None


def locate(host: RegistryHost, path: RepositoryPath) -> Image | None:
    """Where Google has an image; None if the path is too short, or the host does not say where it is. Somebody's own
    host in front of Google's is read like gcr.io."""
    first, *rest = path.split("/")
    if "." in first and rest:
        first, rest = f"{first}:{rest[0]}", rest[1:]
    name = hostname(host)
    if local := _LOCAL.fullmatch(name):
        repository, *package = rest or ("",)
        location = local["everywhere"] or local["region"]
    elif name in _LOCATIONS:
        repository, location, package = name, _LOCATIONS[name], rest
    elif not is_google(host):
        repository, location, package = "gcr.io", _LOCATIONS["gcr.io"], rest
    else:
        return None
    return Image(first, location, repository, "/".join(package)) if package else None


def around(host: RegistryHost, prefix: RepositoryPath) -> tuple[Image, str] | None:
    """Where the images below `prefix` are, as one without a name, and what their names begin with. Where the prefix
    names only the project of a host with many repositories, that of the image is empty. None if it does not even name
    the project, or the host does not say where it is."""
    first, *rest = prefix.split("/")
    if "." in first and not rest:
        return None
    project = f"{first}/{rest.pop(0)}" if "." in first else first
    has_many = _LOCAL.fullmatch(hostname(host)) is not None
    folder = rest[0] if has_many and rest else ""
    found = locate(host, RepositoryPath("/".join((project, *((folder or "-",) if has_many else ()), "-"))))
    if found is None:
        return None
    repository = folder if has_many else found.repository
    return Image(found.project, found.location, repository, ""), f"{project}/{folder}/" if folder else f"{project}/"
