"""Where the project's repositories are: options and variables → addresses."""

from typing import get_args

import msgspec

from holystone.adapters.registries.implementations import IMPLEMENTATIONS
from holystone.adapters.registries.reach import NamedPlace, NamedRegistries
from holystone.engine.errors import UsageError
from holystone.engine.model.addresses import Address
from holystone.engine.model.plan import Place
from holystone.engine.model.references import InvalidName
from holystone.engine.names import parse_address, repository_of
from holystone.settings import options as o
from holystone.settings.given import Given
from holystone.settings.option import Option
from holystone.settings.places import ProjectPlaces
from holystone.settings.values import ImagesSettings, Implementation, Mode, StorageSettings


def resolve_places(given: Given) -> ImagesSettings:
    return ImagesSettings(
        **msgspec.structs.asdict(resolve_storage(given)),
        images_repo=_address(given, o.IMAGES_REPO, special=(":minikube",)),
        images_repo_mode=given.word((o.IMAGES_REPO_MODE,), get_args(Mode), "auto"),
        images_implementation=_implementation(given, o.IMAGES_REPO_IMPLEMENTATION),
    )


def resolve_storage(given: Given) -> StorageSettings:
    return StorageSettings(
        stages_storage=_address(given, o.STAGES_STORAGE),
        stages_implementation=_implementation(given, o.STAGES_STORAGE_REPO_IMPLEMENTATION),
    )


def project_places(given: Given) -> ProjectPlaces:
    """Addresses that need the project's name, or are no registry's, tell no runs apart."""
    images, storage = given.filled(o.IMAGES_REPO), given.filled(o.STAGES_STORAGE)
    for value in filter(None, (images, storage)):
        value.without_user_info()
    try:
        return ProjectPlaces(
            images=parse_address(images.text) if images and not images.text.startswith(":") else None,
            storage=repository_of(parse_address(storage.text))
            if storage and not storage.text.startswith(":")
            else None,
        )
    except InvalidName as error:
        raise UsageError(f"{o.IMAGES_REPO.flag} or {o.STAGES_STORAGE.flag}: {error}") from error


def named_registries(given: Given, places: ProjectPlaces) -> NamedRegistries:
    named: dict[Place, NamedPlace] = {}
    if places.images:
        named["images"] = NamedPlace(places.images, _implementation(given, o.IMAGES_REPO_IMPLEMENTATION))
    if places.storage:
        at = Address(places.storage.host, places.storage.path)
        named["stages"] = NamedPlace(at, _implementation(given, o.STAGES_STORAGE_REPO_IMPLEMENTATION))
    return NamedRegistries(named)


def _implementation(given: Given, own: Option) -> Implementation:
    return given.word(
        (
            own,
            o.REPO_IMPLEMENTATION,
        ),
        ("auto", *IMPLEMENTATIONS),
        "auto",
    )


def _address(given: Given, option: Option, special: tuple[str, ...] = ()) -> str:
    value = given.one(option)
    if value is None or not value.text:
        said = "is given empty" if value else "is missing"
        raise UsageError(f"{option.flag} {said}", what_to_do=f"Give {option.flag} REPO or set ${option.variables[0]}.")
    text, source = value.without_user_info()
    if text in special:
        return text
    if text.startswith(":"):
        raise _no_registry(text, source, option)
    if "://" in text or text.split() != [text]:
        raise UsageError(f"{source}: {text!r} is not REGISTRY[/REPOSITORY], without https:// and blanks")
    try:
        parse_address(text)
    except InvalidName as error:
        raise UsageError(f"{source}: {error}") from error
    return text


def _no_registry(text: str, source: str, option: Option) -> UsageError:
    example = f"registry.example.com/shop{'/stages' if option is o.STAGES_STORAGE else ''}"
    what_to_do = f"Use the repository that your builds push to, e.g. {option.flag} {example}."
    if text != ":local":
        return UsageError(f"{source}: {text} is not a registry", what_to_do=what_to_do)
    return UsageError(
        f"{source}: :local is not a registry: it is werf's name for the Docker daemon of this machine",
        what_to_do=f"{what_to_do} What is in the daemon is left to werf itself.",
    )
