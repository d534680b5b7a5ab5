"""GitLab: protected and immutable tags."""

import time
from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.registries.gitlab.rights import GrantedRights, read_rights
from holystone.engine.model.outcomes import Deleted, Locked
from holystone.engine.model.references import Tag
from tests.registries.gitlab.connected import PATH, put_image, served


async def test_protected_and_immutable_tags_are_locked_before_planning(tmp_path: Path) -> None:
    async with served(tmp_path, protected=[r"^v\d+$"], immutable=["-final"]) as (server, session):
        put_image(server, "one", "v1", "v1-rc", "1-final-2", "latest")
        listing = await session.list_tags()
        assert listing.locked == {
            "v1": r"GitLab's rule for protected tags '^v\\d+$'",
            "1-final-2": "GitLab's rule for immutable tags '-final'",
        }
        outcomes = await session.delete_tags([Tag("v1"), Tag("1-final-2"), Tag("latest")])
        assert outcomes == [Locked(listing.locked[Tag("v1")]), Locked(listing.locked[Tag("1-final-2")]), Deleted()]
        assert server.storage.repositories[PATH].tags.keys() == {"v1", "v1-rc", "1-final-2"}


async def test_a_rule_that_came_after_the_listing_is_met_and_named(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1", "v2")
        assert (await session.list_tags()).locked == {}
        await session.probe()
        server.lock(PATH, "v1")
        tokens = len(server.logins)
        first, second = await session.delete_tags([Tag("v1"), Tag("v2")])
        assert first == Locked("GitLab's rule for protected tags '^v1$'")
        assert second == Deleted()
        assert len(server.logins) - tokens <= 2, "no loop of new tokens"


async def test_a_rule_that_fits_the_probes_own_tag_is_no_obstacle(tmp_path: Path) -> None:
    async with served(tmp_path, protected=[".*"]) as (server, session):
        put_image(server, "one", "v1")
        assert (await session.probe()).tags
        assert (await session.list_tags()).locked.keys() == {"v1"}


async def test_any_rule_forbids_deletions_by_digest(tmp_path: Path) -> None:
    async with served(tmp_path, database=False, immutable=["^never-matches$"]) as (server, session):
        one = put_image(server, "one", "v1")
        (outcome,) = await session.delete_manifests([one.digest])
        assert isinstance(outcome, Locked)
        assert "by digest" in outcome.rule
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


async def test_rules_that_the_registry_cannot_read_lock_everything(tmp_path: Path) -> None:
    for patterns in (["("], ["x" * 101], [f"^{number}$" for number in range(6)]):
        async with served(tmp_path, protected=patterns) as (server, session):
            put_image(server, "one", "v1")
            assert (await session.list_tags()).locked.keys() == {"v1"}
    async with served(tmp_path, protected=["("]) as (server, session):
        put_image(server, "one", "v1")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Locked)
        assert server.storage.repositories[PATH].tags


def test_rules_are_searched_in_the_tag_as_go_does() -> None:
    rights = GrantedRights(frozenset({"delete"}), protected=("release",), immutable=(r"^v\d+\.\d+$", "(?i)GOLD"))
    locked = rights.locked([Tag("a-release-1"), Tag("v1.2"), Tag("xv1.2"), Tag("golden"), Tag("other")])
    assert locked.keys() == {"a-release-1", "v1.2", "golden"}


def test_rules_that_take_an_age_with_many_tags_lock_them_all() -> None:
    """As a token may name them: 0.2 s for each tag, and nothing else runs meanwhile."""
    hard = tuple(f"(?:{'?'.join('abcdefghijklmnopqrst')}?){{800}}_{number}$" for number in range(5))
    rights = GrantedRights(frozenset({"delete"}), protected=hard)
    tags = [Tag(f"{'abcdefgh' * 15}{number}") for number in range(2000)]
    begun = time.process_time()
    found = rights.locked(tags)
    assert time.process_time() - begun < 5
    assert found.keys() == set(tags)
    assert "take too long to be tried on 2,000 tags" in found[tags[0]]
    assert rights.rule(Tag("abc")) is None


@pytest.mark.parametrize(
    "claims", [{}, {"access": "all"}, {"access": [{"type": 1}]}, {"sub": "me"}, {"access": [{"type": "repository"}]}]
)
def test_claims_of_other_token_servers_say_nothing(claims: dict[str, Any]) -> None:
    assert read_rights(claims, PATH) is None


def test_only_the_claims_about_this_repository_count() -> None:
    entry = {"type": "repository", "name": "team/other", "actions": ["delete"], "meta": {"project_id": 1}}
    assert read_rights({"access": [entry]}, PATH) == GrantedRights(frozenset())
    assert read_rights({"access": None}, PATH) == GrantedRights(frozenset())
    rules = {"tag_deny_access_patterns": {"push": ["a"], "delete": ["b", "b"]}, "tag_immutable_patterns": None}
    mine = {"type": "repository", "name": PATH, "actions": ["pull", "delete"], "meta": rules}
    assert read_rights({"access": [entry, mine]}, PATH) == GrantedRights(
        frozenset({"pull", "delete"}), protected=("b",)
    )


def test_what_a_rule_says_is_short_and_told_once_for_all_tags() -> None:
    """Of a rule as long as a token may have, whoever stands for GitLab made 40 kB for each of half a million tags, in
    one go."""
    tags = [Tag(f"t{number}") for number in range(2000)]
    for rights in (
        GrantedRights(frozenset(), protected=("\U000e0001" * 10_000,)),
        GrantedRights(frozenset(), immutable=("(?:)|" + "\U000e0001" * 20,)),
        GrantedRights(frozenset(), immutable=tuple(map(str, range(8000)))),
    ):
        begun = time.process_time()
        rules = rights.locked(tags)
        assert time.process_time() - begun < 0.2
        assert rules.keys() == set(tags)
        assert len({id(rule) for rule in rules.values()}) == 1
        assert max(map(len, rules.values())) < 200
