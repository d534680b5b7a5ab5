"""What strangers wrote, as whole commands show it: no line of it is taken for ours, nothing obeys it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from tests.cli.test_output import is_harmless
from tests.support.another_run import another_run
from tests.support.command_line import Bench, Ran, always
from tests.support.images import config, image

HOSTILE: Final = "x\x1b[2J\n::error::pay me\nholystone: Nothing was deleted.\r\u202e\x9b ##vso[task.complete]"
"""All of it in one text."""


def assert_harmless(ran: Ran) -> None:
    for text in (ran.out, ran.err):
        assert is_harmless(text, text.count("\n")), text
    assert "pay me" in ran.out + ran.err, "it was said at all"
    assert "holystone: Nothing" not in [line[:18] for line in ran.err.splitlines()], "nobody else speaks for us"


def test_a_label_of_an_image_that_somebody_pushed(shop: Bench) -> None:
    body = config("theirs", labels={"werf": HOSTILE, "werf-docker-image-name": "x", "werf-image": "true"})
    pushed = image(body)
    shop.registry.storage.put_blob("shop/app/backend", body)
    shop.registry.storage.put_manifest("shop/app/backend", pushed.body, pushed.media_type, "theirs")
    planned = shop.run("purge", *shop.addresses(), "--dry-run")
    assert planned.code == 0, planned
    assert_harmless(planned)
    asked = shop.run("purge", *shop.addresses(), "--output=json")
    assert HOSTILE in "".join(each["text"] for each in asked.json["plan"]["notices"]), "JSON has it as it is, escaped"
    assert_harmless(asked)


def test_the_owner_of_a_lock(shop: Bench) -> None:
    state = shop.home / "state"
    state.mkdir(mode=0o700)
    repository = Repository(RegistryHost(shop.registry.host), RepositoryPath("shop/stages"))
    with another_run(state, HOSTILE, repository):
        ran = shop.cleanup("--state-dir", str(state))
    assert ran.code == 3
    assert_harmless(ran)


def test_an_error_of_the_registry(shop: Bench) -> None:
    body = json.dumps({"errors": [{"code": "DENIED", "message": HOSTILE}]}).encode()
    shop.registry.faults.add(always("/shop/stages/tags/list", 403, body))
    for ran in (shop.cleanup("--log-debug"), shop.cleanup("--output=json")):
        assert ran.code == 3
        assert_harmless(ran)


def test_what_git_and_werf_say(shop: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("git", "werf"):
        (programs / name).write_text(f"#!/bin/sh\nprintf '%s' '{HOSTILE}' >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    shop.env["PATH"] = f"{programs}:{os.environ['PATH']}"
    subprocess.run(
        ["/usr/bin/env", "git", "-C", str(shop.project), "remote", "add", "origin", "http://127.0.0.1:1/"], check=True
    )
    ran = shop.cleanup("--git-history-synchronization")
    assert ran.code == 3
    assert_harmless(ran)
    assert "  | holystone: Nothing was deleted." in ran.err, "line by line, and marked"
    (shop.project / "werf.yaml").write_text("{{ env }}\n")
    ran = shop.cleanup()
    assert ran.code == 2
    assert_harmless(ran)


@pytest.mark.parametrize("option", ["--config", "--in-use", "--project-name", "--repo-implementation"])
def test_our_own_options(shop: Bench, option: str) -> None:
    assert_harmless(shop.cleanup(f"{option}={HOSTILE}", "--dry-run"))


def test_words_that_are_not_unicode(shop: Bench) -> None:
    ran = shop.cleanup("--config=\udcff.yaml", "--output=json")
    assert ran.code == 2
    assert "\\udcff.yaml" in ran.json["error"]["message"]
    assert "\\udcff.yaml" in ran.err
    noted = shop.cleanup("--project-name=\udcff", "--dry-run", "--output=json")
    assert "\\udcff" in "".join(each["text"] for each in noted.json["plan"]["notices"])


def test_the_name_of_a_plan_can_be_pasted(shop: Bench) -> None:
    file = shop.project / "it's a\nplan ##vso[x]"
    ran = shop.cleanup("--plan-out", str(file))
    assert ran.code == 0
    assert file.exists()
    (line,) = (line for line in ran.err.splitlines() if "holystone apply" in line)
    words = line.split("`")[1].removeprefix("holystone apply ").replace(r"#\x23", "##")
    pasted = subprocess.run(["bash", "-c", f"printf %s {words}"], capture_output=True, text=True, check=True)
    assert pasted.stdout == str(file)
