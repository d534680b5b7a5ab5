"""What runs stays: by name in any spelling, and by whatever digest a runtime reports."""

import time

import msgspec
import pytest

from holystone.engine.model.in_use import ListEntry, UsedImage, Workload
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import InvalidName, Reference, Tag
from holystone.engine.names import parse_used_image
from holystone.policies.in_use import protect
from tests.support.image_values import IMAGES_REPO, digest_of, image_tag

BY = Workload("prod", "shop", "Deployment", "web")
RUNS = image_tag("runs")
OTHER = image_tag("other")


def protected(*texts: str) -> set[str]:
    used = [parse_used_image(text, BY) for text in texts]
    return {reference.tag for reference in protect([RUNS, OTHER], used)}


@pytest.mark.parametrize(
    "text",
    [
        f"{IMAGES_REPO}:runs",
        f" {IMAGES_REPO}:runs ",
        f"{IMAGES_REPO}:runs@{digest_of('something else')}",
        f"registry.example:443/{IMAGES_REPO.path}:runs",
        f"Registry.Example/{IMAGES_REPO.path}:runs",
        f"{IMAGES_REPO}@{digest_of('runs')}",
        f"docker-pullable://{IMAGES_REPO}@{digest_of('runs')}",
        f"mirror.example/cache/{IMAGES_REPO.path}@{digest_of('runs')}",
        f"docker://{digest_of('image runs')}",
        digest_of("runs"),
        digest_of("image runs"),
    ],
)
def test_an_image_in_use_stays(text: str) -> None:
    assert protected(text) == {"runs"}


@pytest.mark.parametrize(
    "text", [f"{IMAGES_REPO}:absent", f"{IMAGES_REPO}", f"mirror.example/{IMAGES_REPO.path}:runs", digest_of("absent")]
)
def test_another_image_protects_nothing(text: str) -> None:
    assert protected(text) == set()


def test_docker_hub_has_many_names() -> None:
    spellings = (
        "shop/app:v1",
        "docker.io/shop/app:v1",
        "index.docker.io/shop/app:v1",
        "registry-1.docker.io/shop/app:v1",
    )
    assert len({parse_used_image(text, BY).repository for text in spellings}) == 1


def test_no_tag_means_latest_unless_there_is_a_digest() -> None:
    assert parse_used_image("registry.example/app", BY).tag == "latest"
    assert parse_used_image(f"registry.example/app@{digest_of('x')}", BY).tag is None


@pytest.mark.parametrize("text", ["", "   ", "REPLACE_ME:latest", "docker://", "sha256:short", "app:not a tag"])
def test_words_that_name_no_image_are_told(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_used_image(text, BY)


def test_the_reasons_name_who_uses_it_once() -> None:
    listed = ListEntry("in-use.txt, line 1")
    used = [parse_used_image(f"{IMAGES_REPO}:runs", BY), parse_used_image(digest_of("runs"), BY)]
    used.append(parse_used_image(f"{IMAGES_REPO}:runs", listed))
    assert set(protect([RUNS], used)[RUNS.reference]) == {InUse(BY), InUse(listed)}


def test_thousands_of_names_of_one_digest_and_thousands_of_tags_on_it() -> None:
    """Of whoever may make workloads, and of whoever may push: each tag was held against all names."""
    users = [Workload("prod", "mallory", "Pod", f"p{number:0>4}") for number in range(5000)]
    used = [UsedImage(None, None, RUNS.digest, by) for by in users]
    tags = [msgspec.structs.replace(RUNS, reference=Reference(IMAGES_REPO, Tag(f"t{n}"))) for n in range(5000)]
    began = time.process_time()
    found = protect(tags, used)
    assert time.process_time() - began < 1
    assert len(found) == 5000
    assert set(found.values()) == {tuple(map(InUse, users[:3]))}
