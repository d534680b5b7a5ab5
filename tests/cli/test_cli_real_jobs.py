"""Jobs of real pipelines, which were run beside the real werf 1.1.36 as well: each runs as it is, or is refused for a
reason that docs/werf-compatibility.md gives.

From werf 1.1's own pages for GitLab, GitHub and cron, werf/actions v1.1, and public pipelines (Jenkins, deckhouse).
"""

import base64
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holystone.engine.model.addresses import ImagesRepoMode
from tests.emulators.kubernetes import KubeApi
from tests.support.ci_variables import CI_ENV
from tests.support.command_line import Bench, Ran, bench, now
from tests.support.tiny_project import WERF_YAML, tiny_project

PAGE = (Path(__file__).parents[2] / "docs/werf-compatibility.md").read_text()
PLACES = {"WERF_IMAGES_REPO": "HOST/shop/app", "WERF_STAGES_STORAGE": "HOST/shop/stages"}
JOB: Mapping[str, str] = {**PLACES, **CI_ENV, "WERF_GIT_HISTORY_SYNCHRONIZATION": "1"}
GITLAB = {
    **JOB,
    "CI": "true",
    "GITLAB_CI": "true",
    "CI_REGISTRY": "HOST",
    "CI_REGISTRY_IMAGE": "HOST/shop",
    "CI_JOB_TOKEN": "glcbt-64_x",
}
GITHUB = {
    **JOB,
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "me/shop",
    "GITHUB_ACTOR": "me",
    "GITHUB_TOKEN": "ghs_x",
}
KUBE = {"KUBECONFIG": "KUBEFILE"}
ALL = "-i HOST/shop/app -s HOST/shop/stages"


@dataclass(frozen=True)
class Job:
    line: str
    environ: Mapping[str, str] = field(default_factory=dict)
    prepare: "Callable[[Bench], object]" = lambda _: None
    clone: str = ""
    """Options of `git clone`."""
    mode: ImagesRepoMode = "multirepo"
    deletes: bool = True
    """Whether anything is there for it to delete."""
    code: int = 0
    row: str = ""
    """Words of the page's line, where it is refused."""


def git(folder: Path, *arguments: str) -> None:
    known = {"HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    settings = ("-c", "protocol.file.allow=always", "-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", *settings, *arguments], cwd=folder, env=known, check=True, capture_output=True)


def worktree(shop: Bench) -> None:
    main = shop.home / "main"
    shop.project.rename(main)
    git(main, "worktree", "add", "-q", "--detach", str(shop.project))
    (shop.project / "werf.yaml").write_text(WERF_YAML)


def submodule(shop: Bench) -> None:
    whole = shop.home / "whole"
    whole.mkdir()
    git(whole, "init", "-q")
    git(whole, "submodule", "add", "-q", (shop.home.parent / "origin.git").as_uri(), "shop")
    shutil.rmtree(shop.project)
    shop.project.symlink_to(whole / "shop")
    (shop.project / "werf.yaml").write_text(WERF_YAML)


def in_a_folder(shop: Bench) -> None:
    (shop.project / "ci").mkdir()
    (shop.project / "werf.yaml").rename(shop.project / "ci/werf.yaml")


def branch_1_10(shop: Bench) -> None:
    text = WERF_YAML.replace("branch: master", "branch: 1.10")
    assert text != WERF_YAML
    (shop.project / "werf.yaml").write_text(text)


def template(shop: Bench) -> None:
    (shop.project / "werf.yaml").write_text(
        WERF_YAML.replace("project: shop", 'project: {{ env "P" | default "shop" }}')
    )


def template_and_werf(shop: Bench) -> None:
    template(shop)
    program = shop.home / "bin/werf"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nprintf %s {shlex.quote(WERF_YAML)}\n")
    program.chmod(0o755)
    shop.env["PATH"] = f"{program.parent}:{os.environ['PATH']}"


JOBS: dict[str, Job] = {
    "GitLab with a kubeconfig": Job("cleanup", {**GITLAB, **KUBE}),
    "GitLab, a clone of depth 1": Job("cleanup", {**GITLAB, **KUBE, "GIT_DEPTH": "1"}, clone="--depth=1"),
    "GitLab, HEAD detached": Job(
        "cleanup", {**GITLAB, **KUBE}, lambda shop: git(shop.project, "checkout", "-q", "--detach")
    ),
    "GitLab's implementation for another server": Job(
        "cleanup",
        {
            **GITLAB,
            **KUBE,
            "WERF_IMAGES_REPO_IMPLEMENTATION": "gitlab",
            "WERF_STAGES_STORAGE_REPO_IMPLEMENTATION": "gitlab",
        },
    ),
    "both history switches off": Job(
        "cleanup",
        {**GITLAB, **KUBE, "WERF_GIT_HISTORY_BASED_CLEANUP": "0", "WERF_GIT_HISTORY_BASED_CLEANUP_v1_2": "0"},
        deletes=False,
    ),
    "GitHub's action": Job("cleanup", {**GITHUB, "WERF_KUBE_CONFIG_BASE64": "KUBE64"}),
    "Jenkins": Job(
        "cleanup --images-repo-mode monorepo --kube-config KUBEFILE",
        {**PLACES, "WERF_HOME": "HOME/werf", "WERF_TMP_DIR": "HOME/tmp", "WERF_VERBOSE": "1", "BUILD_NUMBER": "7"},
        mode="monorepo",
    ),
    "deckhouse": Job(
        "cleanup",
        {**PLACES, **KUBE, "WERF_DRY_RUN": "false", "WERF_PARALLEL": "0", "WERF_LOG_VERBOSE": "on", "WERF_ENV": "x"},
    ),
    "all with =": Job(
        "cleanup --images-repo=HOST/shop/app --stages-storage=HOST/shop/stages --without-kube=true --parallel=true "
        "--git-tag-strategy-limit=10 --synchronization=:local --log-verbose=true"
    ),
    "all short": Job("cleanup -i HOST/shop/app -s HOST/shop/stages -S :local -p -N shop --without-kube"),
    "a slash at the end": Job("cleanup -i HOST/shop/app/ -s HOST/shop/stages --without-kube"),
    "images cleanup": Job(f"images cleanup {ALL}", {**JOB, **KUBE}),
    "stages cleanup": Job(f"stages cleanup {ALL}", {**JOB, **KUBE}, deletes=False),
    "stages cleanup without the grace": Job(
        f"stages cleanup {ALL}", {**JOB, "WERF_DISABLE_STAGES_CLEANUP_DATE_PERIOD_POLICY": "1"}, deletes=False
    ),
    "werf.yaml in a folder": Job(f"cleanup {ALL} --config ci/werf.yaml --without-kube", prepare=in_a_folder),
    "werf.yml": Job(
        f"cleanup {ALL} --without-kube",
        prepare=lambda shop: (shop.project / "werf.yaml").rename(shop.project / "werf.yml"),
    ),
    "no .git": Job(
        f"cleanup {ALL} --without-kube", prepare=lambda shop: shutil.rmtree(shop.project / ".git"), deletes=False
    ),
    "one context of a kubeconfig": Job(f"cleanup {ALL} --kube-config KUBEFILE --kube-context prod"),
    "the context's own namespace": Job(f"cleanup {ALL} --scan-context-namespace-only", KUBE),
    "Docker's configuration in a folder": Job(
        f"cleanup {ALL} --docker-config HOME/.docker --without-kube", prepare=lambda shop: shop.docker_config(auths={})
    ),
    "a list of kubeconfigs, one missing": Job(f"cleanup {ALL}", {"KUBECONFIG": "HOME/none-there:KUBEFILE"}),
    "managed-images ls": Job("managed-images ls -s HOST/shop/stages", JOB, deletes=False),
    "managed-images add": Job("managed-images add -s HOST/shop/stages -N shop front", deletes=False),
    "managed-images rm": Job("managed-images rm -s HOST/shop/stages '~'", deletes=False),
    "a clone of depth 1, not synchronized": Job(  # refused by werf as well
        f"cleanup {ALL} --without-kube", clone="--depth=1", code=3, row="a shallow clone is refused unless"
    ),
    "ci-env gitlab": Job("ci-env gitlab --as-file", GITLAB, deletes=False),
    "ci-env github": Job("ci-env github --as-file", GITHUB, deletes=False),
    "version": Job("version", JOB, deletes=False),
    "host cleanup": Job("host cleanup", JOB, code=2, row="`werf host cleanup`"),
    "a template, and no werf": Job(
        f"cleanup {ALL} --without-kube", prepare=template, code=2, row="same, through the `werf` binary"
    ),
    "a template, and werf": Job(f"cleanup {ALL} --without-kube", prepare=template_and_werf),
    "purge": Job("purge --force", JOB, code=3, row="`werf purge`, `werf images purge`, `werf stages purge`"),
    "images purge": Job("images purge", JOB, code=3, row="`werf purge`, `werf images purge`, `werf stages purge`"),
    "stages purge": Job(
        "stages purge --force", JOB, code=3, row="`werf purge`, `werf images purge`, `werf stages purge`"
    ),
    "GitLab without any cluster": Job("cleanup", GITLAB, code=3, row="no kubeconfig: a warning"),
    "stages on the machine": Job(
        "cleanup -i HOST/shop/app -s :local --without-kube", code=2, row="`:local` as stages storage"
    ),
    "a branch that looks like a number": Job(f"cleanup {ALL} --without-kube", prepare=branch_1_10),
    "a worktree": Job(f"cleanup {ALL} --without-kube", prepare=worktree),
    "a submodule": Job(f"cleanup {ALL} --without-kube", prepare=submodule),
    "one history switch off": Job("cleanup", {**GITLAB, **KUBE, "WERF_GIT_HISTORY_BASED_CLEANUP": "0"}, deletes=False),
    "a clone of depth 1, allowed": Job(
        f"cleanup {ALL} --without-kube",
        {"WERF_ALLOW_GIT_SHALLOW_CLONE": "1"},
        clone="--depth=1 --no-single-branch",
        deletes=False,
    ),
    "synchronization in a cluster": Job(
        "cleanup --synchronization kubernetes://werf-synchronization", {**PLACES, **KUBE}
    ),
}


@contextmanager
def opened(folder: Path, job: Job) -> Iterator[tuple[Bench, Callable[[str], str]]]:
    """The shop after the job's checkout, and what its words mean there."""
    story = folder / "story"
    story.mkdir()
    with bench(folder) as shop:
        del shop.env["WERF_WITHOUT_KUBE"]
        tiny_project(story, shop.registry.storage, now=now(), mode=job.mode)
        origin = folder / "origin.git"
        git(folder, "init", "-q", "--bare", "-b", "master", str(origin))
        master = "refs/remotes/origin/master"
        git(story, "push", "-q", str(origin), f"{master}:refs/heads/master", f"{master}:refs/heads/1.10", "v1")
        shop.project.rmdir()
        git(folder, "clone", "-q", *job.clone.split(), origin.as_uri(), str(shop.project))
        (shop.project / "werf.yaml").write_text(WERF_YAML)
        with shop.portal.wrap_async_context_manager(KubeApi(anonymous=True)) as cluster:
            config = json.dumps(
                {
                    "clusters": [{"name": "prod", "cluster": {"server": cluster.url}}],
                    "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "nobody"}}],
                    "users": [{"name": "nobody", "user": {}}],
                }
            )
            file = shop.home / "kubeconfig"
            file.write_text(config)
            shop.env["TMPDIR"] = str(folder)
            job.prepare(shop)
            meant = {
                "KUBEFILE": str(file),
                "KUBE64": base64.b64encode(config.encode()).decode(),
                "HOST": shop.registry.host,
                "HOME": str(shop.home),
            }

            def said(text: str) -> str:
                for word, value in meant.items():
                    text = text.replace(word, value)
                return text

            yield shop, said


def run(shop: Bench, job: Job, said: Callable[[str], str]) -> Ran:
    environ = {name: said(value) for name, value in job.environ.items()}
    return shop.run(*shlex.split(said(job.line)), env=environ)


def test_they_are_all_there() -> None:
    assert len(JOBS) >= 41
    assert sum(job.code == 0 for job in JOBS.values()) >= 33


@pytest.mark.parametrize("name", JOBS)
def test_it_runs_as_it_is_or_is_refused_for_a_reason(name: str, tmp_path: Path) -> None:
    job = JOBS[name]
    with opened(tmp_path, job) as (shop, said):
        before = shop.contents()
        ran = run(shop, job, said)
        assert ran.code == job.code, ran
        assert "Traceback" not in ran.out + ran.err
        after = shop.contents()
        if job.code or not job.deletes:
            assert after == before
            return
        assert all(after[each][0].items() <= tags.items() for each, (tags, _) in before.items())
        assert after != before


@pytest.mark.parametrize("row", sorted({job.row for job in JOBS.values() if job.code}))
def test_why_it_is_refused_is_a_line_of_the_page(row: str) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith("| ") and row in line)
    assert any(judgement in line for judgement in ("| better: ", "| same", "| not applicable: "))
