from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.engine.model.references import InvalidName, Reference, RegistryHost, RepositoryPath, Tag
from holystone.engine.names import parse_address, parse_reference, repository_of
from holystone.policies.werf.v1 import ImagesRepo
from tests.support.vectors import load_vectors

Mode = Literal["multirepo", "monorepo"]

images = st.from_regex(r"([a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2})?", fullmatch=True)
modes: st.SearchStrategy[Mode] = st.sampled_from(("multirepo", "monorepo"))
repos = st.builds(
    ImagesRepo,
    st.sampled_from((RegistryHost("registry.example.com"), RegistryHost("docker.io"))),
    st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}", fullmatch=True).map(RepositoryPath),
    modes,
)
meta_tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}", fullmatch=True)


@pytest.mark.parametrize(
    "case", load_vectors("image-names"), ids=lambda case: f"{case['mode']} {case['images_repo']} {case['image'] or '~'}"
)
def test_images_are_where_werf_puts_them(case: dict[str, str]) -> None:
    mode: Mode = "multirepo" if case["mode"] == "multirepo" else "monorepo"
    layout = ImagesRepo.at(parse_address(case["images_repo"]), mode)
    reference = layout.reference(case["image"], case["tag"])
    # The vector spells names as werf concatenates them; Docker's rules say what they mean.
    expected = parse_reference(case["reference"])
    assert reference == Reference(expected.repository, Tag(case["docker_tag"]))
    assert reference.tag == expected.tag
    assert reference.repository == parse_reference(case["repository"]).repository
    assert layout.is_candidate(case["image"], reference.tag)
    assert layout.meta_tag(case["image"], reference) == case["tag"]


@given(repos, images, meta_tags)
def test_a_reference_reads_back(layout: ImagesRepo, image: str, meta: str) -> None:
    reference = layout.reference(image, meta)
    assert layout.meta_tag(image, reference) == meta
    assert layout.is_candidate(image, reference.tag)


@given(repos, images)
def test_a_repository_tells_the_image_in_multirepo_only(layout: ImagesRepo, image: str) -> None:
    expected = image if layout.mode == "multirepo" else None
    if layout.host == "docker.io" and layout.path == "library" and image == "library":
        return  # docker.io/library/library is both
    assert layout.image_in(layout.repository(image)) == expected


def test_candidates_in_monorepo_share_their_prefix() -> None:
    layout = ImagesRepo.at(parse_address("registry.example.com/project"), "monorepo")
    assert layout.is_candidate("front", "front-end-v1")  # only the label tells
    assert layout.is_candidate("front", "front-")
    assert not layout.is_candidate("front", "frontend-v1")
    assert not layout.is_candidate("front", "front")
    assert layout.is_candidate("", "anything")


def test_another_repository_holds_nothing_of_the_image() -> None:
    layout = ImagesRepo.at(parse_address("registry.example.com/project"), "multirepo")
    other = ImagesRepo.at(parse_address("registry.example.com/other"), "multirepo").reference("app", "v1")
    assert layout.meta_tag("app", other) is None
    assert layout.image_in(other.repository) is None


def test_a_bare_registry_takes_named_images_only() -> None:
    layout = ImagesRepo.at(parse_address("registry.example.com:5000"), "multirepo")
    assert str(layout.reference("app", "v1")) == "registry.example.com:5000/app:v1"
    with pytest.raises(InvalidName, match="add the name of a repository"):
        layout.repository("")
    with pytest.raises(InvalidName):
        ImagesRepo.at(parse_address("registry.example.com"), "monorepo").repository("app")


def test_an_account_of_the_default_registry_is_not_its_library() -> None:
    layout = ImagesRepo.at(parse_address("account"), "multirepo")
    assert str(layout.reference("app", "v1")) == "docker.io/account/app:v1"
    assert str(repository_of(parse_address("account"))) == "docker.io/library/account"


@pytest.mark.parametrize(("mode", "image"), [("multirepo", "Front"), ("multirepo", "a//b")])
def test_names_that_fit_no_repository_are_refused(mode: Mode, image: str) -> None:
    layout = ImagesRepo.at(parse_address("registry.example.com/project"), mode)
    with pytest.raises(InvalidName):
        layout.reference(image, "v1")


def test_a_name_with_a_slash_fits_no_tag() -> None:
    with pytest.raises(InvalidName):
        ImagesRepo.at(parse_address("registry.example.com/project"), "monorepo").reference("a/b", "v1")
