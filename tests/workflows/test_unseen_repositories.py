"""Some registries say of a repository that is not there what they say of one that may not be read. An image of
werf.yaml that was never published must not stop the others' cleanup, and one that was published must."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from holystone.demo.published import PublishedProject
from holystone.engine.model.references import Commit, ImageName, Tag
from holystone.policies.werf.v1 import image_metadata_tag, never_published
from tests.emulators.quay import QuayEmulator
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import tiny_project

COMMIT = Commit.parse("0123456789abcdef0123456789abcdef01234567")


@contextmanager
def project(folder: Path, images: Sequence[str]) -> Iterator[tuple[QuayEmulator, Bench, PublishedProject]]:
    """werf.yaml has the images `backend` and `front`; the robot may write wherever something was pushed."""
    quay = QuayEmulator(door="robot")
    with bench(folder, registry=quay) as made:
        published = tiny_project(made.project, quay.storage, now=now(), images=images)
        for image in images:  # nothing is nested in a repository of Quay
            quay.storage.repositories[f"shop/{image}"] = quay.storage.repositories.pop(f"shop/app/{image}")
        login = quay.login("team+writer")
        made.env.update({**quay.environ, **login.environ})
        made.docker_config(**login.docker_config)
        yield quay, made, published


def test_an_image_that_was_never_published_does_not_stop_the_others(tmp_path: Path) -> None:
    with project(tmp_path, ["backend"]) as (_, shop, _):
        ran = shop.run("cleanup", *shop.addresses("shop"), "--without-kube", "--yes-delete-that-many", "--output=json")
        assert ran.code == 0, ran.err
        assert ran.json["ending"] == "done"
        assert "shop/front is not there or may not be read" in ran.out + ran.err


def test_an_image_that_was_published_and_is_not_seen_ends_the_run(tmp_path: Path) -> None:
    with project(tmp_path, ["backend", "front"]) as (quay, shop, _):
        quay.foreign.add("shop/front")
        before = shop.contents()
        ran = shop.run("cleanup", *shop.addresses("shop"), "--without-kube", "--yes-delete-that-many")
        assert ran.code == 3, ran.err
        assert shop.contents() == before
        assert "shop/front" in ran.message
        assert "password" not in ran.message


def test_only_records_of_other_images_show_that_one_was_never_published() -> None:
    names = {Tag(image_metadata_tag("backend", COMMIT)), Tag("some-stage")}
    images = [ImageName("front"), ImageName("backend")]
    assert never_published(images, names) == {"front"}
    assert not never_published(images, {Tag("some-stage")}), "then publishing leaves no records"
