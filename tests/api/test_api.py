"""What programs import: plans and results as values, and the page that shows it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

import holystone.api as api
from holystone.adapters.state.sqlite import Journal
from holystone.api import Holystone, HolystoneError, NotOpen, Refused, UsageError
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.events import Begun, Checked, Done, Listed, Planned, Read, Step
from holystone.engine.model.plan import ClustersAsked, Plan
from holystone.engine.model.refusals import NumberExceeded
from tests.support.command_line import now
from tests.support.tiny_project import tiny_project

PAGE = Path("docs/library.md").read_text()


@dataclass
class Shop:
    registry: EmbeddedRegistry
    options: dict[str, Any]

    def holystone(self, **more: Any) -> Holystone:
        return Holystone(environ={}, **{**self.options, **more})

    def tags(self) -> dict[str, dict[str, str]]:
        return {path: dict(each.tags) for path, each in self.registry.storage.repositories.items()}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry:
        tiny_project(tmp_path / "project", registry.storage, now=now())
        yield Shop(
            registry,
            {
                "images_repo": f"{registry.host}/shop/app",
                "stages_storage": f"{registry.host}/shop/stages",
                "dir": str(tmp_path / "project"),
                "docker_config": str(tmp_path / "docker"),
                "state_dir": str(tmp_path / "state"),
                "cache_dir": str(tmp_path / "cache"),
                "without_kube": True,
            },
        )


async def test_a_plan_is_carried_out_looked_at_and_taken_back(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    before = shop.tags()
    heard: list[api.Event] = []
    async with Holystone(environ={}, listener=heard.append, **shop.options) as holystone:
        plan = await holystone.plan()
        assert shop.tags() == before
        applied = await holystone.apply(plan)
        assert not applied.result.incomplete
        doomed = {str(tag) for each in plan.repositories for tag in each.doomed_tags}
        assert doomed
        assert doomed.isdisjoint(tag for tags in shop.tags().values() for tag in tags)
        assert [each.run for each in heard if isinstance(each, Begun)] == [applied.run]
        assert {Listed, Read, Planned, Begun, Step, Checked, Done} <= {type(each) for each in heard}
        assert [(each.id, each.state) for each in await holystone.runs()] == [(applied.run, "finished")]
        assert (await holystone.undo(applied.run, dry_run=True)).put_back
        assert not (await holystone.undo(applied.run)).incomplete
    assert shop.tags() == before
    assert capfd.readouterr() == ("", ""), "nothing is printed"


async def test_a_plan_that_is_refused_is_not_carried_out(shop: Shop) -> None:
    async with shop.holystone() as holystone:
        plan = await holystone.plan(stages=False)
        refusal = NumberExceeded(plan.repositories[0].repository, doomed=9, total=9, most=3)
        refused = api.Plan(plan.as_of, plan.command, repositories=plan.repositories, refusals=(refusal,))
        with pytest.raises(Refused, match="9 of 9 tags would be deleted"):
            await holystone.apply(refused)
        assert await holystone.runs() == ()


@pytest.mark.parametrize("given", ["option", "variable"])
async def test_a_dry_run_deletes_nothing(shop: Shop, given: str) -> None:
    before = shop.tags()
    more: dict[str, Any] = {"dry_run": True} if given == "option" else {}
    environ = {} if given == "option" else {"WERF_DRY_RUN": "1"}
    async with Holystone(environ=environ, **shop.options, **more) as holystone:
        plan = await holystone.plan()
        with pytest.raises(Refused, match="dry run"):
            await holystone.apply(plan)
        run = await _begun(shop, plan)
        with pytest.raises(Refused, match="dry run"):
            await holystone.resume(run)
    assert shop.tags() == before


def test_who_wants_a_plan_in_a_file_is_not_heard_as_anything_else() -> None:
    with pytest.raises(UsageError, match="writes no plan"):
        Holystone(environ={}, plan_out="plan.json", images_repo="r.test/a", stages_storage="r.test/b")


@pytest.mark.parametrize("later", [-2 * 86_400, 2 * 86_400])
async def test_a_plan_of_another_day_is_refused(shop: Shop, later: int) -> None:
    before = shop.tags()
    async with shop.holystone() as holystone:
        plan = await holystone.plan()
        with pytest.raises(Refused, match="another day"):
            await holystone.apply(msgspec.structs.replace(plan, as_of=plan.as_of + later))
    assert shop.tags() == before


@pytest.mark.parametrize("way", ["apply", "resume"])
async def test_what_is_in_use_by_now_stays(shop: Shop, way: str, tmp_path: Path) -> None:
    before = shop.tags()
    used = tmp_path / "used"
    used.write_text("")
    async with shop.holystone(in_use=[str(used)]) as holystone:
        plan = await holystone.plan()
        images = next(each for each in plan.repositories if each.place == "images" and each.doomed_tags)
        used.write_text(f"{images.repository}:{images.doomed_tags[0]}\n")
        with pytest.raises(Refused, match="in use by now"):
            await (holystone.apply(plan) if way == "apply" else holystone.resume(await _begun(shop, plan)))
    assert shop.tags() == before


@pytest.mark.parametrize("state", ["given-up", "undone"])
async def test_a_run_that_shall_not_go_on_does_not(shop: Shop, state: str) -> None:
    before = shop.tags()
    async with shop.holystone() as holystone:
        run = await _begun(shop, await holystone.plan())
        if state == "undone":
            await holystone.undo(run)
        else:
            with Journal.open(Path(shop.options["state_dir"])) as journal:
                await journal.give_up(run)
        with pytest.raises(Refused, match=state):
            await holystone.resume(run)
    assert shop.tags() == before


async def test_a_run_of_another_project_is_left_alone(shop: Shop) -> None:
    before = shop.tags()
    async with shop.holystone() as holystone:
        plan = await holystone.plan()
        run = await _begun(shop, plan)
    async with shop.holystone(images_repo=f"{shop.registry.host}/other") as other:
        with pytest.raises(Refused, match="another project's"):
            await other.apply(plan)
        for act in (other.resume, other.undo):
            with pytest.raises(Refused, match="another project's"):
                await act(run)
    assert shop.tags() == before


async def test_what_runs_by_now_is_asked_for_each_plan_that_was_not_the_last(shop: Shop, tmp_path: Path) -> None:
    """Two plans of one second are not taken for one another."""
    used = tmp_path / "used"
    used.write_text("")
    async with shop.holystone(in_use=[str(used)]) as holystone:
        before = await holystone.plan()
        images = next(each for each in before.repositories if each.place == "images" and each.doomed_tags)
        used.write_text(f"{images.repository}:{images.doomed_tags[0]}\n")
        after = await holystone.plan()
        with pytest.raises(Refused, match="in use by now"):
            await holystone.check(before)
        assert not (await holystone.apply(after)).result.incomplete


async def test_a_plan_of_elsewhere_is_checked_once_and_carried_out(shop: Shop) -> None:
    async with shop.holystone() as holystone:
        plan = await holystone.plan()
    other = msgspec.structs.replace(plan.repositories[0], manners="0123456789abcdef")
    wrong = msgspec.structs.replace(plan, repositories=(other, *plan.repositories[1:]))
    async with shop.holystone() as holystone:
        assert other.passes
        for act in (holystone.check, holystone.apply):
            with pytest.raises(Refused, match="does not do what it did when the plan was made"):
                await act(wrong)
        assert await holystone.check(plan) == ()
        requests = len(shop.registry.requests)
        assert await holystone.check(plan) == ()
        assert len(shop.registry.requests) == requests
        assert not (await holystone.apply(plan)).result.incomplete


async def test_where_nothing_is_to_go_no_run_is_begun(shop: Shop) -> None:
    async with shop.holystone() as holystone:
        await holystone.apply(await holystone.plan())
        plan = await holystone.plan()
        assert plan.is_empty
        applied = await holystone.apply(plan, announce=_never)
        assert (applied.run, applied.notes, applied.result.incomplete) == ("", (), False)
        assert len(await holystone.runs()) == 1


def _never(_plan: api.Plan, _notices: tuple[api.Notice, ...]) -> None:
    raise AssertionError


async def test_whoever_hears_of_a_plan_before_it_is_carried_out_may_stop_it(shop: Shop) -> None:
    before = shop.tags()
    heard: list[tuple[api.Plan, int]] = []

    def stop(plan: api.Plan, _notices: tuple[api.Notice, ...]) -> None:
        heard.append((plan, len(shop.registry.requests)))
        raise HolystoneError("not today")

    async with shop.holystone() as holystone:
        plan = await holystone.plan()
        with pytest.raises(HolystoneError, match="not today"):
            await holystone.apply(plan, announce=stop)
        assert await holystone.runs() == ()
        run = await _begun(shop, plan)
        with pytest.raises(HolystoneError, match="not today"):
            await holystone.resume(run, announce=stop)
        assert [each.state for each in await holystone.runs()] == ["open"]
    assert shop.tags() == before
    assert [each.head for each, _ in heard] == [plan.head] * 2
    assert heard[-1][1] == len(shop.registry.requests)


async def test_what_is_left_of_a_run_is_shown_resumed_or_given_up(shop: Shop) -> None:
    async with shop.holystone() as holystone:
        run, later = [await _begun(shop, await holystone.plan(images=half)) for half in (True, False)]
        assert [*(await holystone.left_of(run)).repositories] == [*(await holystone.plan_of(run)).repositories]
        applied = await holystone.resume(run)
        assert (applied.run, applied.settled_before, applied.is_fruitless) == (run, 0, False)
        await holystone.give_up(later)
        for ended, state in ((run, "finished"), (later, "given-up")):
            for act in (holystone.resume, holystone.left_of, holystone.give_up):
                with pytest.raises(NotOpen, match=state) as why:
                    await act(ended)
                assert why.value.record.state == state


async def test_a_purge_is_confirmed_by_whoever_lifts_the_question(shop: Shop) -> None:
    async with shop.holystone() as holystone:
        plan = await holystone.plan_purge(stages=False)
        with pytest.raises(Refused, match="confirm"):
            await holystone.apply(plan)
        doomed = [tag for each in plan.repositories for tag in each.doomed_tags]
        applied = await holystone.apply(plan.without_refusals("confirmation"))
        assert not applied.result.incomplete
    assert doomed
    assert {*doomed}.isdisjoint(tag for tags in shop.tags().values() for tag in tags)


async def test_managed_images_are_added_listed_and_removed(shop: Shop) -> None:
    image = api.ImageName.parse("once")
    async with shop.holystone(dry_run=True) as looking:
        there = await looking.managed_images()
        assert there is not None
        assert await looking.add_managed_image(image)
        assert await looking.managed_images() == there
        with pytest.raises(Refused, match="dry run"):
            await looking.apply(await looking.plan_removal(there))
    async with shop.holystone() as holystone:
        assert await holystone.add_managed_image(image)
        assert not await holystone.add_managed_image(image)
        assert await holystone.managed_images() == tuple(sorted({*there, image}))
        await holystone.apply(await holystone.plan_removal([image]))
        assert await holystone.managed_images() == there


async def _begun(shop: Shop, plan: Plan) -> str:
    """As a run that was killed before its first request."""
    with Journal.open(Path(shop.options["state_dir"])) as journal:
        return (await journal.begin(plan, "cleanup")).id


async def test_what_is_run_for_clusters_sees_the_variables_but_no_login(shop: Shop, tmp_path: Path) -> None:
    """A registry's token is not for the program of a kubeconfig, which may be a stranger's."""
    plugin, seen = tmp_path / "plugin", tmp_path / "seen"
    plugin.write_text(f"#!/bin/sh\nenv > '{seen}'\nexit 1\n")
    plugin.chmod(0o700)
    version = "client.authentication.k8s.io/v1"
    config = {
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "ops"}}],
        "clusters": [{"name": "prod", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "ops", "user": {"exec": {"apiVersion": version, "command": str(plugin)}}}],
    }
    (tmp_path / "kube").write_bytes(msgspec.json.encode(config))
    environ = {"AWS_PROFILE": "ops", "WERF_REPO_QUAY_TOKEN": "hunter2", "PATH": "/usr/bin:/bin"}
    options = {**shop.options, "without_kube": False, "kube_config": str(tmp_path / "kube")}
    async with Holystone(environ=environ, **options) as holystone:
        with pytest.raises(HolystoneError, match="its exec plugin plugin failed"):
            await holystone.plan()
    said = seen.read_text()
    assert "AWS_PROFILE=ops" in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("options", "words"), [({"images_rep": "x"}, "images_rep"), ({"images_repo": "a/b"}, "--stages-storage")]
)
def test_options_that_are_none_are_usage_errors(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Holystone(environ={}, **options)


async def test_the_page_does_what_it_says(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for option in ("images_repo", "stages_storage", "dir"):
        code = re.sub(rf'{option}="[^"]*"', f"{option}={shop.options[option]!r}", code)
    more = ", ".join(f"{name}={shop.options[name]!r}" for name in ("docker_config", "state_dir", "cache_dir"))
    code = code.replace("without_kube=True,", f"without_kube=True, {more}, environ={{}},")
    space: dict[str, object] = {}
    exec(code.replace("anyio.run(main)", ""), space)
    main = space["main"]
    assert callable(main)
    await main()
    said = capsys.readouterr().out
    assert f"{shop.options['stages_storage']} " in said
    assert "'deleted': " in said


def test_every_name_that_is_promised_is_there_and_on_no_other_list() -> None:
    assert api.__all__ == sorted(api.__all__)
    assert all(hasattr(api, name) for name in api.__all__)


async def test_what_a_variable_leaves_out_is_asked_again_for_a_plan_of_elsewhere(shop: Shop, tmp_path: Path) -> None:
    asked = ClustersAsked(("prod",))
    options = {**shop.options, "kube_config": str(tmp_path / "absent")}
    del options["without_kube"]
    async with shop.holystone() as holystone:
        plan = msgspec.structs.replace(await holystone.plan(), clusters=asked)
    async with Holystone(environ={"WERF_KUBE_CONTEXT": "staging"}, **options) as holystone:
        with pytest.raises(Refused, match="was made with what runs in context prod"):
            await holystone.check(plan)
    async with Holystone(environ={}, **{**options, "kube_config": None}, without_kube=True) as holystone:
        await holystone.check(plan)
