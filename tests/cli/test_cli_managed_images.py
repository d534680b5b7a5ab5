"""`managed-images ls`, `add` and `rm`, as they are typed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.storage import Storage
from tests.support.command_line import Bench, Ran, bench, now
from tests.support.tiny_project import tiny_project

Refuse = Callable[..., str]


def managed(shop: Bench, verb: str, *more: str, stages: str = "shop/stages", env: dict[str, str] | None = None) -> Ran:
    return shop.run("managed-images", verb, *more, "--stages-storage", f"{shop.registry.host}/{stages}", env=env)


def listed(shop: Bench) -> list[str]:
    ran = managed(shop, "ls")
    assert (ran.code, ran.err) == (0, "")
    return ran.out.splitlines()


def records(shop: Bench) -> dict[str, str]:
    tags, _ = shop.contents()["shop/stages"]
    return {tag: digest for tag, digest in tags.items() if tag.startswith("managed-image-")}


def test_werfs_own_scenario(shop: Bench) -> None:
    """M1: empty, added, there, removed, empty; in a storage that is not there before."""
    nothing = managed(shop, "ls", stages="new/stages")
    assert (nothing.code, nothing.out) == (0, "")
    assert "does not exist" in nothing.err
    assert managed(shop, "add", "test", stages="new/stages").code == 0
    assert managed(shop, "ls", stages="new/stages").out == "test\n"
    assert managed(shop, "rm", "test", stages="new/stages").code == 0
    assert managed(shop, "ls", stages="new/stages").out == ""


def test_names_are_listed_in_order_and_the_nameless_one_is_a_tilde(shop: Bench) -> None:
    for name in ("~", "b/c+d", "a"):
        assert managed(shop, "add", name).code == 0
    assert listed(shop) == ["~", "a", "b/c+d", "backend", "front"]
    assert managed(shop, "ls", "--output=json").json["managed_images"] == ["~", "a", "b/c+d", "backend", "front"]


def test_adding_twice_changes_nothing(shop: Bench) -> None:
    first = managed(shop, "add", "new")
    assert (first.code, first.out) == (0, f"{shop.registry.host}/shop/stages: image new is managed now.\n")
    before = shop.contents()
    again = managed(shop, "add", "new")
    assert (again.code, again.out.endswith("image new is managed already: there is nothing to do.\n")) == (0, True)
    assert shop.contents() == before
    assert managed(shop, "add", "__nameless__").code == 0
    assert "already" in managed(shop, "add", "~").out
    assert managed(shop, "add", "~", "--output=json").json["ending"] == "nothing-to-do"


def test_records_are_of_this_project_and_each_has_its_own_digest(shop: Bench) -> None:
    for name in ("a", "b", "~"):
        assert managed(shop, "add", name).code == 0
    there = records(shop)
    assert len({there[f"managed-image-{name}"] for name in ("a", "b", "__nameless__")}) == 3
    storage = shop.registry.storage
    (labelled,) = [body for body in storage.blobs.values() if b'"holystone.managed-image":"a"' in body]
    assert b'"werf":"shop"' in labelled


def test_adding_dry(shop: Bench) -> None:
    before = shop.contents()
    ran = managed(shop, "add", "new", "--dry-run")
    assert (ran.code, "is not managed yet and would be; nothing was changed" in ran.out) == (0, True)
    assert managed(shop, "add", "new", env={"WERF_DRY_RUN": "true"}).code == 0
    assert managed(shop, "add", "new", "--dry-run", "--output=json").json["ending"] == "planned"
    assert shop.contents() == before


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Backend", "lower case"),
        ("x" * 115, "there can be no record of this name"),
        ("a$b", "there can be no record of this name"),
        ("a b", "image name"),
        ("", "an empty name"),
    ],
)
def test_names_that_cannot_be(shop: Bench, refused: Refuse, name: str, says: str) -> None:
    storage = shop.addresses()[2:]
    assert says in refused(shop, "add", name, *storage, code=2, command="managed-images")
    assert shop.registry.requests == []


def test_what_a_shell_makes_of_a_tilde(shop: Bench, refused: Refuse) -> None:
    for verb in ("add", "rm"):
        message = refused(shop, verb, str(shop.home), *shop.addresses()[2:], code=2, command="managed-images")
        assert "Quote it: '~'." in message


def test_removing_takes_the_records_and_nothing_else(shop: Bench) -> None:
    before = shop.contents()
    ran = managed(shop, "rm", "front", "backend", "front", "--output=json")
    assert ran.code == 0, ran
    assert ran.json["command"] == "managed-images rm"
    after, _ = shop.contents()["shop/stages"]
    assert before["shop/stages"][0].keys() - after.keys() == {"managed-image-front", "managed-image-backend"}
    assert listed(shop) == []
    assert shop.run("undo", ran.json["run"]).code == 0
    assert shop.contents() == before


def test_removing_what_is_not_there(shop: Bench) -> None:
    before = shop.contents()
    ran = managed(shop, "rm", "nobody", "~")
    assert ran.code == 0
    assert "note: there is no record of image nobody" in ran.out
    assert "note: there is no record of image ~" in ran.out
    assert shop.contents() == before
    absent = managed(shop, "rm", "x", stages="no/where")
    assert (absent.code, "does not exist" in absent.out) == (0, True)


def test_the_advice_about_the_nameless_image_works_as_it_is_printed(shop: Bench) -> None:
    assert managed(shop, "add", "~").code == 0
    assert shop.run("managed-images", "rm", "~", *shop.addresses()).code == 0
    assert "~" not in listed(shop)


def test_removing_is_a_plan_like_any_other(shop: Bench, tmp_path: Path) -> None:
    before = shop.contents()
    dry = managed(shop, "rm", "front", "--dry-run")
    assert dry.code == 0
    assert "  go    managed-image-front" in dry.out
    file = tmp_path / "plan.json"
    assert managed(shop, "rm", "front", "--plan-out", str(file)).code == 0
    assert shop.contents() == before
    assert shop.run("apply", str(file)).code == 0, "nobody is asked: the names were typed"
    assert listed(shop) == ["backend"]


def test_a_record_that_shares_its_manifest_goes_alone(tmp_path: Path) -> None:
    """werf's own records are equal images, and distribution 2.8 deletes by digest."""
    with bench(tmp_path, quirks=DISTRIBUTION_2_8) as shop:
        tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
        assert len(set(records(shop).values())) == 1
        assert managed(shop, "rm", "front").code == 0
        assert listed(shop) == ["backend"]


def test_words_of_werf_are_taken(shop: Bench) -> None:
    words = ["-N", "shop", "--config", "missing.yaml", "--dir", "nowhere", "-i", ":local", "-S", ":local"]
    for verb, names in (("ls", ()), ("add", ("backend",)), ("rm", ("nobody",))):
        ran = managed(shop, verb, *names, *words)
        assert ran.code == 0, ran
        assert "holystone: note: --images-repo has no effect: only records in the stages storage are concerned." in (
            ran.notes
        )
        refused = shop.run("managed-images", verb, *names, "-s", ":local")
        assert (refused.code, ":local is not a registry" in refused.message) == (2, True)
        missing = shop.run("managed-images", verb, *names)
        assert (missing.code, "--stages-storage is missing" in missing.message) == (2, True)


def test_a_registry_that_takes_only_the_newer_format(shop: Bench) -> None:
    shop.registry.faults.add(Fault("PUT", "/manifests/managed-image-new", Answer(415, b"")))
    assert managed(shop, "add", "new").code == 0
    assert "new" in listed(shop)
    _, media_type = _stored(shop.registry.storage, "managed-image-new")
    assert media_type == "application/vnd.oci.image.manifest.v1+json"


def test_a_registry_that_takes_nothing(shop: Bench, refused: Refuse) -> None:
    shop.registry.faults.add(Fault("PUT", "/manifests/", Answer(405, b"read-only"), times=None))
    ran = managed(shop, "add", "new")
    assert ran.code == 1
    assert "405" in ran.message
    assert "new" not in listed(shop)


def _stored(storage: Storage, tag: str) -> tuple[bytes, str]:
    state = storage.repositories["shop/stages"]
    found = state.manifests[state.tags[tag]]
    return found.body, found.media_type


@pytest.mark.parametrize("words", [[], ["ls"], ["add"], ["rm"]])
def test_help(shop: Bench, words: list[str]) -> None:
    ran = shop.run("managed-images", *words, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: holystone managed-images {' '.join(words)}".strip() in ran.out
    assert ("--stages-storage" in ran.out) == bool(words)


@pytest.mark.parametrize(("verb", "says"), [("add", "NAME"), ("rm", "NAME")])
def test_a_missing_name(shop: Bench, verb: str, says: str) -> None:
    ran = managed(shop, verb)
    assert ran.code == 2
    assert says in ran.message
