"""`ci-env`, the first line of nearly every job, and what the job then does with it."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holystone.embedded.access import Basic, User
from holystone.settings.ci_systems import job_of
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import kept_tags, tiny_project

TOKEN = "glcbt-64_$(touch pwned)'\"x"
LIMITS = {
    "WERF_GIT_TAG_STRATEGY_LIMIT": "10",
    "WERF_GIT_TAG_STRATEGY_EXPIRY_DAYS": "30",
    "WERF_GIT_COMMIT_STRATEGY_LIMIT": "50",
    "WERF_GIT_COMMIT_STRATEGY_EXPIRY_DAYS": "30",
    "WERF_STAGES_SIGNATURE_STRATEGY_LIMIT": "-1",
    "WERF_STAGES_SIGNATURE_STRATEGY_EXPIRY_DAYS": "-1",
}
GITLAB = {"CI_REGISTRY": "r.example:5050", "CI_REGISTRY_IMAGE": "r.example:5050/group/shop", "CI_JOB_TOKEN": TOKEN}
GITHUB = {"GITHUB_REPOSITORY": "Me/Shop", "GITHUB_ACTOR": "me", "GITHUB_TOKEN": TOKEN}


def test_what_gitlab_says() -> None:
    job = job_of("gitlab", GITLAB)
    assert job.variables == {
        "WERF_STAGES_STORAGE": "r.example:5050/group/shop/stages",
        "WERF_STAGES_STORAGE_REPO_IMPLEMENTATION": "gitlab",
        "WERF_IMAGES_REPO": "r.example:5050/group/shop",
        "WERF_IMAGES_REPO_IMPLEMENTATION": "gitlab",
        "WERF_GIT_HISTORY_SYNCHRONIZATION": "1",
        "WERF_LOG_COLOR_MODE": "on",
        **LIMITS,
    }
    assert job.login
    assert (job.login.host, job.login.user, job.login.password.reveal()) == ("r.example:5050", "gitlab-ci-token", TOKEN)


def test_what_github_says() -> None:
    job = job_of("github", GITHUB)
    assert job.variables["WERF_IMAGES_REPO"] == "ghcr.io/me/shop"
    assert job.variables["WERF_STAGES_STORAGE"] == "ghcr.io/me/shop/stages"
    assert "WERF_IMAGES_REPO_IMPLEMENTATION" not in job.variables
    assert job.secrets == {"WERF_REPO_GITHUB_TOKEN": "GITHUB_TOKEN"}
    assert job.login
    assert (job.login.host, job.login.user) == ("ghcr.io", "me")


@pytest.mark.parametrize("system", ["gitlab", "github"])
def test_what_is_set_stays(system: str) -> None:
    every = {**GITLAB, **GITHUB}
    said = dict.fromkeys(job_of(system, every).variables, "mine")  # type: ignore[arg-type]
    assert job_of(system, {**every, **said, "WERF_REPO_GITHUB_TOKEN": "x"}).variables == {}  # type: ignore[arg-type]
    assert job_of(system, {}).login is None  # type: ignore[arg-type]


def test_another_registry_is_not_called_gitlab_s() -> None:
    job = job_of("gitlab", {**GITLAB, "WERF_IMAGES_REPO": "r.example:50500/x"})
    assert "WERF_IMAGES_REPO_IMPLEMENTATION" not in job.variables
    assert job.variables["WERF_STAGES_STORAGE_REPO_IMPLEMENTATION"] == "gitlab"
    own = job_of("gitlab", {**GITLAB, "WERF_IMAGES_REPO": "r.example:5050/x"})
    assert own.variables["WERF_IMAGES_REPO_IMPLEMENTATION"] == "gitlab"


def test_without_a_registry_there_are_no_addresses() -> None:
    assert not {name for name in job_of("gitlab", {}).variables if "REPO" in name or "STORAGE" in name}


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Bench]:
    """A project at a registry that only the job's token opens."""
    with bench(tmp_path, auth=Basic({"gitlab-ci-token": User(TOKEN)})) as made:
        published = tiny_project(made.project, made.registry.storage, now=now())
        made.env |= {
            "CI_REGISTRY": made.registry.host,
            "CI_REGISTRY_IMAGE": f"{made.registry.host}/shop",
            "CI_JOB_TOKEN": TOKEN,
            "WERF_IMAGES_REPO": f"{made.registry.host}/shop/app",
            "WERF_STAGES_STORAGE_REPO_IMPLEMENTATION": "default",  # the server is none of GitLab's
            "WERF_IMAGES_REPO_IMPLEMENTATION": "default",
            "WERF_GIT_HISTORY_SYNCHRONIZATION": "0",  # nor is there an origin
            "TMPDIR": str(tmp_path),
            "KEPT": str(len(kept_tags(published))),
        }
        yield made


def script(job: Bench, text: str, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    command = job.home / "holystone"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m holystone.cli "$@"\n')
    command.chmod(0o755)
    env = {**job.environment(), "PATH": f"{job.home}:{os.environ['PATH']}"}
    words = [shell, "-ec", text]
    return subprocess.run(words, cwd=job.project, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("shell", "text"),
    [
        ("bash", "type holystone && source $(holystone ci-env gitlab --as-file)\nholystone cleanup"),
        ("bash", "source $(holystone ci-env gitlab --verbose --as-file)\nholystone cleanup --verbose"),
        ("sh", '. "$(holystone ci-env gitlab --tagging-strategy tag-or-branch --as-file)"\nholystone cleanup'),
        ("sh", 'eval "$(holystone ci-env gitlab)"\nholystone version\nholystone cleanup'),
        ("sh", "holystone ci-env gitlab --as-file -o env.sh\n. ./env.sh\nholystone cleanup"),
    ],
)
def test_a_job_of_gitlab(job: Bench, shell: str, text: str) -> None:
    ran = script(job, text, shell)
    assert ran.returncode == 0, ran
    assert TOKEN not in ran.stdout + ran.stderr
    stay = set(job.contents()["shop/app/front"][0])
    assert len(stay) == int(job.env["KEPT"]) / 2
    assert not (job.project / "pwned").exists()


def test_the_users_own_configuration_is_left_alone_and_its_helpers_are_not_asked(job: Bench) -> None:
    mine = {"auths": {"other.example": {"auth": "bWU6eA=="}}, "credsStore": "none-there", "credHelpers": {"a.b": "c"}}
    job.docker_config(**mine)
    ran = job.run("ci-env", "gitlab", "--as-file")
    assert ran.code == 0
    folder = Path(ran.out.strip()).parent
    assert json.loads((job.home / ".docker/config.json").read_text()) == mine
    made = json.loads((folder / "config.json").read_text())
    assert made["auths"].keys() == {"other.example", job.registry.host}
    assert made["credHelpers"] == {"a.b": "c", job.registry.host: ""}
    assert made["credsStore"] == "none-there"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.iterdir())] == [0o700, 0o600, 0o600]


def test_a_store_that_knows_another_login_is_not_asked(job: Bench) -> None:
    job.docker_config(credsStore="mine")
    helper = job.home / "docker-credential-mine"
    helper.write_text('#!/bin/sh\necho \'{"ServerURL":"x","Username":"me","Secret":"old"}\'\n')
    helper.chmod(0o755)
    ran = script(job, '. "$(holystone ci-env gitlab --as-file)"\nholystone cleanup --dry-run')
    assert ran.returncode == 0, ran


def test_a_file_of_lines(job: Bench) -> None:
    job.env |= GITHUB
    ran = job.run("ci-env", "github", "--as-env-file")
    lines = Path(ran.out.strip()).read_text().splitlines()
    assert f"WERF_REPO_GITHUB_TOKEN={TOKEN}" in lines
    assert all(not line.startswith("export") for line in lines)
    shown = job.run("ci-env", "github")
    assert 'export WERF_REPO_GITHUB_TOKEN="$GITHUB_TOKEN"' in shown.out.splitlines()
    assert TOKEN not in shown.out


def test_a_file_that_others_could_read_is_theirs_no_more(job: Bench) -> None:
    job.env |= GITHUB
    there = job.home / "job.env"
    there.write_text("")
    there.chmod(0o644)
    assert job.run("ci-env", "github", "--as-env-file", "--output-file-path", str(there)).code == 0
    assert TOKEN in there.read_text()
    assert stat.S_IMODE(there.stat().st_mode) == 0o600


def test_what_the_step_wrote_for_the_next_ones_stays(job: Bench) -> None:
    """`-o "$GITHUB_ENV"`, to which a step adds lines (docs.github.com, Workflow commands, Environment files)."""
    there = job.home / "set_env"
    job.env |= {**GITHUB, "GITHUB_ENV": str(there)}
    there.write_text("MINE=1\nALSO=2")
    there.chmod(0o644)
    assert job.run("ci-env", "github", "--as-env-file", "-o", str(there)).code == 0
    lines = there.read_text().splitlines()
    assert lines[:2] == ["MINE=1", "ALSO=2"]
    assert f"WERF_REPO_GITHUB_TOKEN={TOKEN}" in lines
    assert stat.S_IMODE(there.stat().st_mode) == 0o600
    (job.home / "other").symlink_to(there)
    assert job.run("ci-env", "github", "--as-env-file", "-o", str(job.home / "other")).code == 0
    assert there.read_text().startswith("MINE=1\nALSO=2\n")


def test_another_file_is_written_anew(job: Bench) -> None:
    job.env["GITHUB_ENV"] = str(job.home / "set_env")
    there = job.home / "job.sh"
    there.write_text("left over from the last job\n")
    assert job.run("ci-env", "gitlab", "-o", str(there)).code == 0
    assert "left over" not in there.read_text()


def test_folders_of_jobs_that_are_over_go(job: Bench, tmp_path: Path) -> None:
    """They have logins in them, the user's own too. Only folders that could be nobody else's, and only of long ago."""
    job.env["RUNNER_TEMP"] = str(tmp_path)
    first, second, young, open_to_all, file, link = (tmp_path / f"holystone-ci-env-{number}" for number in range(6))
    foreign, kept = tmp_path / "somebody-elses", tmp_path / "kept"
    for folder in (first, second, young, open_to_all, foreign, kept):
        folder.mkdir(mode=0o700)
        (folder / "config.json").write_text("{}")
    (second / "source").write_text("")
    (second / "away").symlink_to(kept)
    open_to_all.chmod(0o755)
    file.write_text("")
    link.symlink_to(kept)
    long_ago = time.time() - 8 * 86400
    for each in (first, second, open_to_all, foreign, file, kept):
        os.utime(each, (long_ago, long_ago))
    assert job.run("ci-env", "gitlab").code == 0
    assert not first.exists()
    assert not second.exists()
    assert (kept / "config.json").exists()
    assert all(each.exists() for each in (young, open_to_all, file, link, foreign))


def test_no_place_for_the_folder(job: Bench) -> None:
    job.env["RUNNER_TEMP"] = str(job.home / "none-there")
    ran = job.run("ci-env", "gitlab")
    assert (ran.code, ran.out) == (2, "")
    assert "RUNNER_TEMP" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["jenkins"], "jenkins"),
        ([], "gitlab|github"),
        (["gitlab", "--shell", "powershell"], "powershell"),
        (["gitlab", "--tagging-strategy", "mine"], "mine"),
    ],
)
def test_what_there_is_not(job: Bench, words: list[str], says: str) -> None:
    ran = job.run("ci-env", *words)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_a_configuration_that_cannot_be_read(job: Bench, tmp_path: Path) -> None:
    (job.home / ".docker").mkdir()
    (job.home / ".docker/config.json").write_text("{")
    assert job.run("ci-env", "gitlab").code == 2
    assert not list(tmp_path.glob("holystone-ci-env-*"))


@pytest.mark.slow
def test_a_folder_that_is_not_finished_is_taken_away(job: Bench, tmp_path: Path) -> None:
    (job.home / ".docker").mkdir(exist_ok=True)
    os.mkfifo(job.home / ".docker/config.json")
    words = [sys.executable, "-m", "holystone.cli", "ci-env", "gitlab", "--as-file"]
    for ending in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(words, cwd=job.project, env=job.environment(), stderr=subprocess.PIPE, text=True)
        while not list(tmp_path.glob("holystone-ci-env-*")):
            time.sleep(0.01)
        process.send_signal(ending)
        _, said = process.communicate(timeout=20)
        assert (process.returncode, said.strip()) == (1, "holystone: Interrupted.")
        assert not list(tmp_path.glob("holystone-ci-env-*"))


def test_version(job: Bench) -> None:
    ran = job.run("version")
    assert ran.code == 0
    assert job.run("--version").out.strip() == f"holystone {ran.out.strip()}"
