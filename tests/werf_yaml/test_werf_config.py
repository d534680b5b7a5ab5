import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from holystone.adapters import files
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.werf_yaml.reader import find_werf_config, read_keep_policies, read_werf_config
from holystone.adapters.yaml.nodes import Position
from holystone.engine.errors import IncompleteSource, UsageError
from tests.support.processes import child_of, gone

META = "configVersion: 1\nproject: shop\n"
WHOLE = """\
configVersion: 1
project: shop
deploy: {helmRelease: x}
cleanup:
  keepPolicies:
  - references:
      branch: /^feature-.*/
      limit: {last: 10, in: 168h, operator: And}
    imagesPerReference:
      last: 2
---
image: ~
from: alpine
shell: {install: [echo hi]}
---
image: [front, team/back]
from: alpine
---
artifact: assets
from: node
---
image: docs
dockerfile: Dockerfile
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str, name: str = "werf.yaml") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path

    return write


@pytest.fixture
def no_werf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


async def test_a_whole_file(project: Callable[[str], Path]) -> None:
    config = await read_werf_config(project(WHOLE))
    assert (config.project, config.images) == ("shop", ("", "front", "team/back", "docs"))
    policies = config.keep_policies
    assert policies
    assert policies.data == [
        {
            "references": {"branch": "/^feature-.*/", "limit": {"last": 10, "in": "168h", "operator": "And"}},
            "imagesPerReference": {"last": 2},
        }
    ]
    assert policies.locate((0, "references", "limit", "in")) == Position(8, 25)
    assert policies.locate((0, "imagesPerReference", "last")) == Position(10, 7)


@pytest.mark.parametrize(
    ("text", "images"),
    [
        (META, ()),
        (META + "---\nimage:\ndockerfile: D\n", ("",)),
        (META + "---\nimage: ''\n", ("",)),
        (META + "---\nimage: [a, ~, a]\n---\nimage: a\n", ("a", "")),
        ("image: a\n---\n" + META, ("a",)),
        (META + "---\n# a comment only\n---\nimage: b", ("b",)),
        (META + "---\nartifact: a\n", ()),
        (META + "---\nimage: a\nanything: {else: [we, do, not, judge]}\n", ("a",)),
        (META + "---\nimage: a\n<<: {from: x}\n", ("a",)),
    ],
)
async def test_images(text: str, images: tuple[str, ...], project: Callable[[str], Path]) -> None:
    config = await read_werf_config(project(text))
    assert config.images == images


@pytest.mark.parametrize("cleanup", ["", "cleanup:\n", "cleanup: {}\n", "cleanup: {keepPolicies: ~}\n"])
async def test_no_policies(cleanup: str, project: Callable[[str], Path]) -> None:
    assert (await read_werf_config(project(META + cleanup))).keep_policies is None


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "werf.yaml:", "no section has `configVersion: 1`"),
        ("image: a\n", "werf.yaml:", "no section has `configVersion: 1`"),
        ("- a\n", "werf.yaml:1:1:", "a section of werf.yaml must be a mapping of keys, not a list"),
        ("configVersion: 2\nproject: p\n", "werf.yaml:1:1:", "configVersion: must be 1"),
        ("configVersion: '1'\nproject: p\n", "werf.yaml:1:1:", "configVersion: must be 1"),
        ("configVersion: true\nproject: p\n", "werf.yaml:1:1:", "configVersion: must be 1"),
        ("configVersion: 1\n", "werf.yaml:1:1:", "project: is missing"),
        ("configVersion: 1\nproject: [x]\n", "werf.yaml:2:1:", "project: expected text, found a list"),
        ("configVersion: 1\nproject: 1.2\n", "werf.yaml:2:1:", "'1.2' is not a project name"),
        ("configVersion: 1\nproject: ../x\n", "werf.yaml:2:1:", "'../x' is not a project name"),
        ("configVersion: 1\nproject: -x\n", "werf.yaml:2:1:", "is not a project name"),
        (f"configVersion: 1\nproject: {'x' * 51}\n", "werf.yaml:2:1:", "is not a project name"),
        (META + "---\n" + META, "werf.yaml:4:1:", "a second meta section"),
        (META + "---\nfrom: x\nimagee: a\n", "werf.yaml:4:1:", "none of the keys configVersion, image and artifact"),
        (META + "---\ndockerfile: D\n", "werf.yaml:4:1:", "none of the keys"),
        (META + "---\nfrom: x\nimage: 1.0\n", "werf.yaml:5:1:", "image: expected a name"),
        (META + "---\nimage: on\n", "werf.yaml:4:1:", "found true or false; quote it"),
        (META + "---\nimage: {a: b}\n", "werf.yaml:4:1:", "found a mapping"),
        (META + "---\nimage: []\n", "werf.yaml:4:1:", "an empty list"),
        (META + "---\nimage:\n- a\n- [b]\n", "werf.yaml:6:3:", "image: expected a name"),
        (META + "---\nimage: a b\n", "werf.yaml:4:1:", "'a b' is not a valid image name"),
        (META + "---\nimage: a\nartifact: b\n", "werf.yaml:4:1:", "either an image or an artifact"),
        (META + "cleanup: [x]\n", "werf.yaml:3:1:", "cleanup: must be a mapping of keys, not a list"),
        (META + "cleanup:\n  keepPolicy: []\n", "werf.yaml:4:3:", "cleanup.keepPolicy: unknown key"),
        (META + "cleanup:\n  keepPolicies: {a: b}\n", "werf.yaml:4:3:", "expected a list of policies"),
        (META + "project: q\n", "werf.yaml:3:1:", "project: this key stands here twice"),
    ],
)
async def test_refused(text: str, where: str, what: str, project: Callable[[str], Path]) -> None:
    folder = project(text)
    with pytest.raises(UsageError) as caught:
        await read_werf_config(folder)
    assert caught.value.message.startswith(f"{folder}/{where}")
    assert what in caught.value.message


async def test_werf_yml_comes_before_werf_yaml(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no werf.yml or werf.yaml") as caught:
        await read_werf_config(tmp_path)
    for way_out in ("--dir", "--config", "--image", "--keep-policies"):
        assert way_out in caught.value.what_to_do
    (tmp_path / "werf.yaml").write_text("configVersion: 1\nproject: second\n")
    assert find_werf_config(tmp_path) == tmp_path / "werf.yaml"
    (tmp_path / "werf.yml").write_text("configVersion: 1\nproject: first\n")
    assert (await read_werf_config(tmp_path)).project == "first"
    other = tmp_path / "other.yaml"
    other.write_text("configVersion: 1\nproject: third\n")
    assert (await read_werf_config(tmp_path, config=other)).project == "third"


async def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*No such file"):
        await read_werf_config(tmp_path, config=tmp_path / "missing.yaml")
    with pytest.raises(UsageError, match=r"cannot read .*directory"):
        await read_werf_config(tmp_path, config=tmp_path)


@pytest.mark.parametrize("read", [lambda path: read_werf_config(path.parent, config=path), read_keep_policies])
async def test_a_pipe_that_nobody_writes_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], Awaitable[object]]
) -> None:
    """It was waited for in a thread that no signal ends, though the run was told to be interrupted."""
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="pipe: it is a pipe or a device whose end did not come"):
        await read(tmp_path / "pipe")


@pytest.mark.parametrize("template", ["image: {{ .x }}", "# {{ include `more` . }}", "#{{/* said */}}", "{{- if 1 }}"])
@pytest.mark.usefixtures("no_werf")
async def test_a_template_without_werf(template: str, project: Callable[[str], Path]) -> None:
    folder = project(f"{META}---\n{template}\n")
    column = template.index("{{") + 1
    with pytest.raises(UsageError) as caught:
        await read_werf_config(folder)
    assert caught.value.message.startswith(f"{folder}/werf.yaml:4:{column}: ")
    for way_out in ("install werf", "--config FILE", "--image NAME", "--keep-policies FILE", "'~'"):
        assert way_out in caught.value.what_to_do


@pytest.fixture
def fake_werf(tmp_path: Path) -> Callable[[str], str]:
    def write(body: str) -> str:
        program = tmp_path / "bin" / "werf"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        return str(program)

    return write


TEMPLATE = META + '---\nimage: {{ env "X" }}\n'


async def test_werf_renders(
    project: Callable[[str], Path],
    fake_werf: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = project(TEMPLATE)
    werf = fake_werf(f'echo "$@" > {tmp_path}/args; printf "configVersion: 1\\nproject: p\\n---\\nimage: $X\\n"')
    monkeypatch.setenv("PATH", f"{Path(werf).parent}:/usr/bin:/bin")
    monkeypatch.setenv("X", "from-env")
    config = await read_werf_config(folder)
    assert config.images == ("from-env",)
    assert config.source == f"{folder}/werf.yaml (rendered by werf)"
    assert (tmp_path / "args").read_text().strip() == f"config render --dir {folder}"
    path = folder / "werf.yaml"
    await read_werf_config(folder, config=path, templates_dir=Path("t"))
    wanted = f"config render --dir {folder} --config {path} --config-templates-dir t"
    assert (tmp_path / "args").read_text().strip() == wanted


async def test_what_werf_says_is_cut_through_no_secret(
    project: Callable[[str], Path], fake_werf: Callable[[str], str]
) -> None:
    """Of a long error the end is told. Whoever may commit can have it hold a variable of the job."""
    held = Secret("even-shillings-and-a-parrot")
    werf = fake_werf(f'printf "{held.reveal()}%01980d" 0 >&2; exit 1')
    with pytest.raises(UsageError, match=r"failed \(1\)") as caught:
        await read_werf_config(project(TEMPLATE), werf=werf)
    assert "parrot" not in str(caught.value)


async def test_plain_files_do_not_need_werf(project: Callable[[str], Path], fake_werf: Callable[[str], str]) -> None:
    assert (await read_werf_config(project(META), werf=fake_werf("exit 9"))).project == "shop"


async def test_errors_speak_of_the_rendered_file(
    project: Callable[[str], Path], fake_werf: Callable[[str], str]
) -> None:
    werf = fake_werf("printf 'configVersion: 1\\nproject: A\\n'")
    with pytest.raises(UsageError, match=r"werf.yaml \(rendered by werf\):2:1: project: 'A' is not"):
        await read_werf_config(project(TEMPLATE), werf=werf)


async def test_werf_fails(project: Callable[[str], Path], fake_werf: Callable[[str], str]) -> None:
    noise = "yes noise | head -c 200000 >&2;"
    cause = "printf '\\033[31mthe cause\\033[0m' >&2; exit 7"
    with pytest.raises(UsageError, match=r"failed \(7\):\nthe cause$"):
        await read_werf_config(project(TEMPLATE), werf=fake_werf(cause))
    with pytest.raises(UsageError) as caught:
        await read_werf_config(project(TEMPLATE), werf=fake_werf(noise + cause))
    assert len(caught.value.message) < 2300
    assert caught.value.message.endswith("the cause"), "the end of a long output tells the cause"


async def test_werf_does_not_end(project: Callable[[str], Path], fake_werf: Callable[[str], str]) -> None:
    with pytest.raises(IncompleteSource, match=r"did not end within 0.1 seconds"):
        await read_werf_config(project(TEMPLATE), werf=fake_werf("exec sleep 60"), deadline=0.1)
    with anyio.move_on_after(0.1) as scope:
        await read_werf_config(project(TEMPLATE), werf=fake_werf("exec sleep 60"))
    assert scope.cancelled_caught


async def test_what_werf_has_started_ends_with_it(
    project: Callable[[str], Path], fake_werf: Callable[[str], str], tmp_path: Path
) -> None:
    child = tmp_path / "child"
    werf = fake_werf(f"sleep 60 & echo $! >{child}; wait")
    with pytest.raises(IncompleteSource, match="did not end"):
        await read_werf_config(project(TEMPLATE), werf=werf, deadline=0.5)
    assert await gone(await child_of(child))


async def test_werf_writes_too_much(project: Callable[[str], Path], fake_werf: Callable[[str], str]) -> None:
    with pytest.raises(UsageError, match="printed more than 4194304 bytes"):
        await read_werf_config(project(TEMPLATE), werf=fake_werf("head -c 5000000 /dev/zero"))


async def test_werf_cannot_be_run(project: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot run .*there is no such program"):
        await read_werf_config(project(TEMPLATE), werf=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "text",
    [
        "- references: {tag: v1}\n",
        "keepPolicies:\n- references: {tag: v1}\n",
        "cleanup:\n  keepPolicies:\n  - references: {tag: v1}\n",
    ],
)
async def test_a_file_of_policies(text: str, tmp_path: Path) -> None:
    (tmp_path / "keep.yaml").write_text(text)
    policies = await read_keep_policies(tmp_path / "keep.yaml")
    assert policies.data == [{"references": {"tag": "v1"}}]
    line = text.count("\n")
    column = text.splitlines()[-1].index("{") + 2
    assert policies.locate((0, "references", "tag")) == Position(line, column)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", ": nothing in it"),
        ("- a\n---\n- b\n", ": more than one YAML document"),
        ("text\n", ":1:1: a file of keep policies must be a mapping of keys, not text"),
        ("{}\n", ":1:1: no keep policies"),
        ("keepPolicies:\n", ":1:1: no keep policies"),
        ("cleanup: {}\n", ":1:1: no keep policies"),
        ("cleanup: {}\nkeepPolicies: []\n", ":2:1: keepPolicies: stands beside cleanup"),
        ("keepPolices: []\n", ":1:1: keepPolices: unknown key; expected cleanup or keepPolicies"),
        ("cleanup: {a: b}\n", ":1:11: cleanup.a: unknown key; expected keepPolicies"),
        ("keepPolicies:\n- {{ x }}\n", ":2:3: {{: a file of keep policies is not rendered"),
    ],
)
async def test_a_file_of_policies_refused(text: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "keep.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        await read_keep_policies(path)
    assert caught.value.message.startswith(f"{path}{what}")
