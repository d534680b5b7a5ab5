"""A plan file is written for its owner alone, whole or not at all, and read as what a stranger may have made of it."""

import os
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.adapters import files
from holystone.engine.errors import HolystoneError, UsageError
from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.in_use import Workload
from holystone.engine.model.notices import RegistryWarns
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.plan import ClustersAsked, Kept, Pass, Plan, PlanEnd, PlanHead, RepositoryPlan
from holystone.engine.model.reasons import ChildOf, InUse, Tagged, YoungerThan
from holystone.engine.model.references import Tag
from holystone.engine.model.refusals import ShareExceeded, Unconfirmed
from holystone.engine.report.plan_text import plan_lines
from holystone.engine.report.told import plan_report
from holystone.workflows.plan_file import plan_hash, read_plan, write_plan
from tests.support.appetite import appetite
from tests.support.hostile_json import tampered
from tests.support.memory_registry import digest_of, repository
from tests.support.plan_files import content
from tests.support.small_plans import level, remove, untag
from tests.support.spools import FOLDER

ONE, TWO = digest_of(b"one"), digest_of(b"two")
PLAN = Plan(
    as_of=1_700_000_000,
    command="cleanup",
    repositories=(
        RepositoryPlan(
            repository(),
            "default",
            (Pass("untag", (untag("v1", ONE),)), level(remove(TWO, "v2"))),
            (
                Kept(Tag("v3"), ONE, (InUse(Workload("here", "prod", "Deployment", "app")), YoungerThan(7, 3600))),
                Kept(Tag("v4"), None, ()),
            ),
            {ONE: Tagged(Tag("v3")), TWO: ChildOf(ONE)},
            image_ids={TWO: ONE},
            marks={Tag("v1"): Tag("v2")},
            undo=UndoOutlook(),
        ),
    ),
    notices=(RegistryWarns(repository(), "a note"),),
    refusals=(ShareExceeded(repository(), 17, 20, 0.8, 20), Unconfirmed("phrase")),
    clusters=ClustersAsked(("there",)),
)
END = to_json(PlanEnd(1, plan_hash(PLAN))) + b"\n"
WHOLE = to_json(PLAN.head) + b"\n" + to_json(PLAN.repositories[0]) + b"\n" + END


def read(file: Path) -> Plan:
    return read_plan(file, FOLDER, max_age=3600, now=PLAN.as_of)[0]


def outcome(file: Path) -> Plan | HolystoneError:
    try:
        return read(file)
    except HolystoneError as error:
        return error


@st.composite
def tampered_lines(draw: st.DrawFn) -> bytes:
    lines = WHOLE.splitlines(keepends=True)
    at = draw(st.integers(0, len(lines) - 1))
    return b"".join([*lines[:at], draw(tampered(lines[at])), *lines[at + 1 :]])


@given(tampered_lines(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_whatever_a_plan_file_says_it_is_a_plan_or_one_message(
    tmp_path_factory: pytest.TempPathFactory, made_of: bytes, sealed_again: bool
) -> None:
    """`sealed_again`: by somebody who makes the hash anew."""
    file = tmp_path_factory.mktemp("plan") / "plan.json"
    file.write_bytes(made_of)
    if sealed_again:
        try:
            head, *lines = made_of.splitlines()
            plan = Plan.of(from_json(head, PlanHead), [from_json(line, RepositoryPlan) for line in lines[:-1]])
            end = to_json(PlanEnd(len(plan.repositories), plan_hash(plan)))
            file.write_bytes(b"\n".join((head, *lines[:-1], end)))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass
    made = outcome(file)
    if isinstance(made, HolystoneError):
        assert made.exit_code in (2, 3)
        assert made.message
    else:
        assert {each.detected_by for each in made.repositories} <= {"registry", "file"}
        assert from_json(to_json(made), Plan) == made
        assert list(plan_lines(made, every_tag=True))
        assert plan_report(made).as_of == made.as_of


HOSTILE = {
    "not UTF-8": b'{"command": "\xff"}',
    "NaN": WHOLE.replace(b'"as_of":1700000000', b'"as_of":NaN'),
    "a number beyond all": WHOLE.replace(b'"as_of":1700000000', b'"as_of":1e999'),
    "a fraction": WHOLE.replace(b'"as_of":1700000000', b'"as_of":1700000000.5'),
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep inside": WHOLE.replace(b'"notices":', b'"notices":' + b"[" * 100_000),
    "an unknown field": WHOLE.replace(b'"command":', b'"commend":"purge","command":'),
    "one further in": WHOLE.replace(b'"written_once":', b'"written_twice":true,"written_once":', 1),
    "the same field twice": WHOLE.replace(b'"as_of":', b'"as_of":1,"as_of":', 1),
    "the same tag twice": WHOLE.replace(b'"marks":{', b'"marks":{"v1":"v4",', 1),
    "a step twice": WHOLE.replace(b'"passes":[', b'"passes":[' + to_json(level(remove(TWO))) + b",", 1),
    "a number as name": WHOLE.replace(b'"v1"', b"7"),
    "null as name": WHOLE.replace(b'"v1"', b"null"),
    "a list as name": WHOLE.replace(b'"v1"', b"[]", 1),
    "a name that is none": WHOLE.replace(b'"v1"', b'"../v1"'),
    "nothing": b"",
    "no object": b"7",
    "not UTF-8 either": WHOLE.decode().encode("utf-16"),
    "a word without end": WHOLE.replace(b'"a note"', b'"' + b"x" * ((1 << 20) + 1) + b'"'),
    "a tag without end": WHOLE.replace(b'"v1"', b'"' + b"x" * ((1 << 20) + 1) + b'"', 1),
}


def test_what_a_plan_names_several_times_is_in_memory_once() -> None:
    part = remove(TWO).digest
    read = from_json(to_json(PLAN.repositories[0]), RepositoryPlan)
    assert read.kept_manifests == {ONE: Tagged(Tag("v3")), part: ChildOf(ONE)}
    named = [each.digest for each in read.kept if each.digest] + [each for each in read.kept_manifests if each == ONE]
    assert {id(each) for each in named} == {id(read.steps[0].digest)}


@pytest.mark.parametrize("name", [5, None, ["v3"]])
def test_what_is_no_text_is_not_taken_for_a_name_that_reads_alike(name: object) -> None:
    pair = msgspec.json.encode(["5", name])
    with pytest.raises(msgspec.ValidationError, match="Expected `str`"):
        from_json(pair, tuple[Tag, Tag])


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_plan_is_wrong_usage(tmp_path: Path, hostile: bytes) -> None:
    assert hostile != WHOLE
    file = tmp_path / "plan.json"
    file.write_bytes(hostile)
    with pytest.raises(UsageError, match="is not a plan of this version"):
        read(file)


def test_a_pipe_that_nobody_writes_to_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a thread that no signal ends."""
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "plan.json")
    with pytest.raises(UsageError, match="pipe"):
        read_plan(tmp_path / "plan.json", FOLDER, max_age=60)


def test_a_plan_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    before = os.umask(0)
    try:
        hashed = write_plan(file, PLAN)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o666)
        write_plan(file, PLAN)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file], "nothing is left beside it"
    assert content(file)["hash"] == hashed == read_plan(file, FOLDER, max_age=3600, now=PLAN.as_of)[1]


@pytest.mark.parametrize("kind", ["a link", "a dangling link", "a folder", "a pipe"])
def test_a_plan_is_written_to_a_file_of_its_own(tmp_path: Path, kind: str) -> None:
    file, other = tmp_path / "plan.json", tmp_path / "other"
    match kind:
        case "a link":
            other.write_text("somebody's")
            file.symlink_to(other)
        case "a dangling link":
            file.symlink_to(other)
        case "a folder":
            file.mkdir()
        case _:
            os.mkfifo(file)
    there = set(tmp_path.iterdir())
    with pytest.raises(HolystoneError, match="a link, a folder or a device"):
        write_plan(file, PLAN)
    assert set(tmp_path.iterdir()) == there
    assert kind != "a link" or other.read_text() == "somebody's"


def test_a_plan_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "plan.json"
    write_plan(file, PLAN)
    whole = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HolystoneError, match="No space left on device"):
        write_plan(file, msgspec.structs.replace(PLAN, notices=()))
    assert file.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.slow
async def test_a_plan_of_millions_of_nothings(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    for many, refused in ((10_000_000, "more than 3,000,000 commas"), (2_900_000, "does not fit its hash")):
        file.write_bytes(WHOLE.replace(b'"there"', b'"ab",' * many + b'"ab"'))
        ended = await appetite("plan", "localhost:1", file)
        assert refused in ended.refused
        assert ended.peak < 400


@pytest.mark.slow
async def test_large_repositories_are_not_held_one_beside_the_other(tmp_path: Path) -> None:
    """Whatever makes them large, such as the tags of one manifest."""
    head, one, end = WHOLE.splitlines(keepends=True)
    made = one.replace(b'["v2"]', b'["v2"' + b',"v2"' * 2_900_000 + b"]")
    with (file := tmp_path / "plan.json").open("wb") as out:
        out.writelines((head, *(made.replace(b"team/app", b"team/app%d" % number) for number in range(3)), end))
    ended = await appetite("plan", "localhost:1", file)
    assert "does not fit its hash" in ended.refused, "all of it was read"
    assert ended.peak < 512


def test_what_is_held_beside_a_line_counts_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "plan.json"
    head, one, _ = WHOLE.splitlines()
    write_plan(file, PLAN)
    monkeypatch.setattr("holystone.workflows.plan_file._LARGEST", len(head) + len(one))
    write_plan(file, PLAN)
    assert read(file)
    monkeypatch.setattr("holystone.workflows.plan_file._LARGEST", len(head) + len(one) - 1)
    with pytest.raises(UsageError, match="line 2 has more than 0 MiB, with the head"):
        read(file)
    with pytest.raises(HolystoneError, match="could not be read again"):
        write_plan(file, PLAN)


@pytest.mark.parametrize("more", [False, True])
def test_as_many_repositories_as_are_written_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: bool
) -> None:
    monkeypatch.setattr("holystone.workflows.plan_file._MOST", 2)
    names = ("shop/a", "shop/b", *(["shop/c"] if more else []))
    plan = msgspec.structs.replace(
        PLAN, repositories=tuple(msgspec.structs.replace(PLAN.repositories[0], repository=repository(n)) for n in names)
    )
    file = tmp_path / "plan"
    if more:
        with pytest.raises(HolystoneError, match="more than 2 repositories, and could not be read again"):
            write_plan(file, plan)
        assert not file.exists()
    else:
        write_plan(file, plan)
        assert len(read(file).repositories) == 2


def test_nothing_comes_after_its_end(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    for more in (b"\n", END, WHOLE.splitlines()[1]):
        file.write_bytes(WHOLE + more)
        with pytest.raises(UsageError, match="something comes after its end"):
            read(file)


@pytest.mark.parametrize("letter", ["\N{KEY}", "\\ud83d\\udd11", "\N{CYRILLIC SMALL LETTER YA}", "\\u044f"])
def test_letters_count_as_what_they_take_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, letter: str
) -> None:
    file = tmp_path / "plan.json"
    long = b"x" * len(WHOLE)
    file.write_bytes(WHOLE.replace(b'"a note"', b'"%b%b"' % (long, letter.encode())))
    monkeypatch.setattr("holystone.workflows.plan_file._LARGEST", 2 * len(file.read_bytes().splitlines()[0]) - 1)
    with pytest.raises(UsageError, match=r"MiB of letters that take [24] bytes each"):
        read(file)
    file.write_bytes(WHOLE.replace(b'"a note"', b'"\\u00e4\xc3\xa4"'))
    with pytest.raises(HolystoneError, match="does not fit its hash"):
        read(file)


@pytest.mark.slow
async def test_one_wide_letter_in_each_word(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    words = b",".join([b'"\xf0\x9f\x94\x91' + b"x" * 1000 + b'"'] * 90_000)
    file.write_bytes(WHOLE.replace(b'"there"', words))
    ended = await appetite("plan", "localhost:1", file)
    assert "more than 24 MiB of letters that take 4 bytes each" in ended.refused
    assert ended.peak < 512


@pytest.mark.slow
async def test_the_largest_plan_that_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    name = "x" * 1000
    write_plan(file, msgspec.structs.replace(PLAN, clusters=ClustersAsked((name,) * 97_000)))
    ended = await appetite("plan", "localhost:1", file)
    assert (ended.refused, ended.said) == ("", "97000 contexts")
    assert ended.peak < 512
    with pytest.raises(HolystoneError, match="more than 96 MiB, and could not be read again"):
        write_plan(file, msgspec.structs.replace(PLAN, clusters=ClustersAsked((name,) * 110_000)))
    assert ended.said == (await appetite("plan", "localhost:1", file)).said, "the one before is still there"
