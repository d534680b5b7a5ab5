"""Nothing is read that is not needed, nothing by a call that counts as a pull where another would do, and nothing
twice."""

import json
import re
from collections import Counter

import pytest

from holystone.embedded.quirks import DISTRIBUTION_2_8, Quirks
from holystone.embedded.recording import RecordedRequest
from holystone.embedded.storage import RepositoryState
from tests.promises.conftest import Open
from tests.support.command_line import Bench, now
from tests.support.tiny_project import tiny_project

BY_DIGEST = re.compile(r"/manifests/sha256:[0-9a-f]{64}$")
WRITTEN_ONCE = re.compile(
    r"[0-9a-f]{56}(-[0-9]{13}(-rejected)?)?|(image-metadata-by-commit|managed-image|client-id)-.*"
    r"|sha256-[0-9a-f]{64}\.(sig|att|sbom)"
)
QUESTION = re.compile(r"/manifests/holystone-probe-[0-9a-f]{16}$")
"""A tag that does not exist: by the words of the answer a server shows what it is."""


def by_kind(requests: list[RecordedRequest], repository: str) -> Counter[str]:
    return Counter(
        f"{each.method} {'question' if each.method == 'GET' and QUESTION.search(each.path) else each.kind}"
        for each in requests
        if each.path.startswith(f"/v2/{repository}/")
    )


def configs(state: RepositoryState) -> set[str]:
    """Image configurations behind tags; those of an index's children say nothing that a policy asks for."""
    bodies = [json.loads(state.manifests[digest].body) for digest in set(state.tags.values())]
    return {body["config"]["digest"] for body in bodies if "config" in body}


def gets(shop: Bench) -> list[RecordedRequest]:
    return [each for each in shop.registry.requests if each.method == "GET"]


def opened(open_bench: Open, quirks: Quirks, **options: object) -> Bench:
    shop = open_bench(quirks=quirks)
    tiny_project(shop.project, shop.registry.storage, now=now(), **options)  # type: ignore[arg-type]
    return shop


def test_a_cold_run_asks_for_the_least(open_bench: Open, quirks: Quirks) -> None:
    shop = opened(open_bench, quirks)
    assert shop.cleanup("--dry-run").code == 0
    requests = shop.registry.requests
    for name, state in shop.registry.storage.repositories.items():
        counts = by_kind(requests, name)
        # What can be deleted is asked by two deletions and a read of nothing, and by one question to the referrers API,
        # which answers 404 where it is missing. Where it is there, it is asked once for each manifest that is to go.
        questions = {"DELETE manifest": 2, "GET question": 1, "GET referrers": counts["GET referrers"]}
        if quirks.referrers_api:
            assert 0 < questions["GET referrers"] <= 1 + len(state.manifests)
        else:
            assert questions["GET referrers"] <= 1 + len(state.manifests)
        bookkeeping = {tag for tag in state.tags if tag.startswith("managed-image-")}
        records = {
            json.loads(state.manifests[state.tags[tag]].body)["config"]["digest"] for tag in bookkeeping
        }  # their names say it all
        assert counts == Counter(
            {
                "GET tags": 1,
                "HEAD manifest": len(state.tags),
                "GET manifest": len(state.manifests),
                "GET blob": len(configs(state) - records),
                **{kind: number for kind, number in questions.items() if number},
            }
        ), name


def test_no_manifest_is_pulled_by_its_tag(open_bench: Open, quirks: Quirks) -> None:
    shop = opened(open_bench, quirks, rich=True)
    assert shop.cleanup().code == 0
    pulls = [
        each.path
        for each in shop.registry.requests
        if each.method == "GET" and each.kind == "manifest" and not QUESTION.search(each.path)
    ]
    assert pulls
    assert all(BY_DIGEST.search(path) for path in pulls)


def test_nothing_is_fetched_twice(open_bench: Open, quirks: Quirks) -> None:
    """Children of a kept index are looked for after the deletions, by digest: the one exception."""
    shop = opened(open_bench, quirks)
    children = {
        child.digest
        for state in shop.registry.storage.repositories.values()
        for manifest in state.manifests.values()
        for child in manifest.children
    }
    assert shop.cleanup().code == 0
    fetched = Counter(
        each.path.rpartition("/")[2]
        for each in shop.registry.requests
        if each.method == "GET" and each.kind in ("manifest", "blob")
    )
    twice = {digest for digest, times in fetched.items() if times > 1}
    assert twice <= children
    assert max(fetched.values()) <= 2


@pytest.mark.parametrize("first", ["--dry-run", ""])
def test_a_second_run_fetches_nothing(open_bench: Open, quirks: Quirks, first: str) -> None:
    shop = opened(open_bench, quirks, rich=True)
    assert shop.cleanup(*([first] if first else [])).code == 0
    shop.registry.recording.clear()
    assert shop.cleanup("--dry-run").code == 0
    counts = shop.registry.counts
    assert counts["GET manifest"] == sum(QUESTION.search(each.path) is not None for each in gets(shop))
    assert counts["GET blob"] == 0
    seen = {each.path.rpartition("/")[2] for each in shop.registry.requests if each.method == "HEAD"}
    names = {tag for state in shop.registry.storage.repositories.values() for tag in state.tags}
    assert seen & names == {tag for tag in names if not WRITTEN_ONCE.fullmatch(tag)}
    assert counts["HEAD manifest"] == len(heads := [each for each in shop.registry.requests if each.method == "HEAD"])
    assert len({each.path for each in heads}) == len(heads)
    assert counts["GET tags"] == 3


def test_one_new_image_costs_one_manifest_and_one_configuration(open_bench: Open) -> None:
    shop = opened(open_bench, DISTRIBUTION_2_8)
    assert shop.cleanup("--dry-run").code == 0
    storage = shop.registry.storage
    there = [(at, set(state.tags)) for at, state in storage.repositories.items()]
    tiny_project(shop.home / "elsewhere", storage, now=now() - 999, commits=1, images=["front"])
    new = {digest for state in storage.repositories.values() for digest in state.manifests}
    written_again = {
        storage.repositories[at].tags[tag] for at, tags in there for tag in tags if WRITTEN_ONCE.fullmatch(tag)
    }
    asked = {each.path.rpartition("/")[2] for each in shop.registry.requests}
    shop.registry.recording.clear()
    assert shop.cleanup("--dry-run").code in (0, 3)
    again = {
        each.path.rpartition("/")[2]
        for each in gets(shop)
        if each.kind == "manifest" and not QUESTION.search(each.path)
    }
    assert again == new - asked - written_again
