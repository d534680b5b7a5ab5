"""Where the images of a project are in its images repo, in both modes of werf 1.1."""

from collections.abc import Iterable, Set

import msgspec

from holystone.engine.model.addresses import Address, ImagesRepoMode
from holystone.engine.model.references import (
    ImageName,
    InvalidName,
    Reference,
    RegistryHost,
    Repository,
    RepositoryPath,
    Tag,
)
from holystone.engine.names.addresses import repository_of


class ImagesRepo(msgspec.Struct, frozen=True, order=True):
    """`multirepo`: image `app` with tag `v1` is `REPO/app:v1`; `monorepo`: it is `REPO:app-v1`.
    The nameless image is `REPO:v1` in both."""

    host: RegistryHost
    path: RepositoryPath | None
    mode: ImagesRepoMode

    @classmethod
    def at(cls, address: Address, mode: ImagesRepoMode) -> "ImagesRepo":
        return cls(address.host, address.path, mode)

    def repository(self, image: str) -> Repository:
        """Raises InvalidName if there can be no such repository: a bad name, or no name in a bare registry."""
        if self.mode == "monorepo" or not image:
            return repository_of(Address(self.host, self.path))
        path = RepositoryPath.parse(f"{self.path}/{image}" if self.path else image)
        return repository_of(Address(self.host, path))

    def docker_tag(self, image: str, meta_tag: str) -> Tag:
        """Raises InvalidName if they make no valid tag."""
        return Tag.parse(self._prefix(image) + meta_tag)

    def reference(self, image: str, meta_tag: str) -> Reference:
        """Raises InvalidName."""
        return Reference(self.repository(image), self.docker_tag(image, meta_tag))

    def is_candidate(self, image: str, tag: str) -> bool:
        """Whether a tag in the image's repository may be one of the image: only its labels tell for sure."""
        return tag.startswith(self._prefix(image))

    def candidates(self, tag: str, images: Set[ImageName]) -> Iterable[ImageName]:
        """The images in one repository that a tag in it may be of. In a time that does not grow with their number in a
        monorepo: whoever may push can make any number of managed images."""
        if self.mode == "multirepo":
            return images
        names = ("", *(tag[:end] for end, sign in enumerate(tag) if sign == "-"))
        return [ImageName(name) for name in names if name in images]

    def meta_tag(self, image: str, reference: Reference) -> str | None:
        """The tag without what the mode puts before it; None if the reference cannot be one of the image."""
        try:
            repository = self.repository(image)
        except InvalidName:
            return None
        if reference.repository != repository or not self.is_candidate(image, reference.tag):
            return None
        return self.without_image(image, reference.tag)

    def without_image(self, image: str, tag: str) -> str:
        """The meta tag in the tag of a candidate: what follows the image's name in a monorepo."""
        return tag.removeprefix(self._prefix(image))

    def image_in(self, repository: Repository) -> ImageName | None:
        """The image whose tags alone live in this repository: None where several may, or none does."""
        if self.mode == "monorepo":
            return None
        own = Address(self.host, self.path)
        if self.path and repository == repository_of(own):
            return ImageName("")
        prefix = f"{own}/"
        return ImageName(str(repository).removeprefix(prefix)) if str(repository).startswith(prefix) else None

    def _prefix(self, image: str) -> str:
        return f"{image}-" if self.mode == "monorepo" and image else ""
