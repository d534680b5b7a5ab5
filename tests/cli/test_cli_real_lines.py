"""Command lines and environments of real pipelines, unchanged but for the program's name: they run, and decide what the
plain one does.

From werf 1.1's own pages for GitLab, GitHub and cron, werf/actions v1.1, and public pipelines (Jenkins, deckhouse).
"""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from holystone.workflows.plan_file import read_plan
from tests.support.ci_variables import CI_ENV
from tests.support.command_line import Bench, bench, now
from tests.support.spools import FOLDER
from tests.support.tiny_project import tiny_project

CI: Mapping[str, str] = {**CI_ENV, "WERF_ENV": "production"}
JENKINS = {"WERF_HOME": "/tmp/werf", "WERF_TMP_DIR": "/tmp/werf", "BUILD_NUMBER": "7", "WERF_VERBOSE": "1"}
PLACES = {"WERF_IMAGES_REPO": "HOST/shop/app", "WERF_STAGES_STORAGE": "HOST/shop/stages"}
ALL = "-i HOST/shop/app -s HOST/shop/stages"

LINES: list[tuple[str, Mapping[str, str]]] = [
    ("cleanup", {**PLACES, **CI}),
    ("cleanup", {**PLACES, **CI, "CI": "true", "GITLAB_CI": "true", "GIT_DEPTH": "0"}),
    ("cleanup", {**PLACES, **CI, "GITHUB_ACTIONS": "true", "WERF_REPO_GITHUB_TOKEN": "t"}),
    ("cleanup", {**PLACES, **JENKINS}),
    ("cleanup", {**PLACES, "WERF_DRY_RUN": "false", "WERF_PARALLEL": "0", "WERF_LOG_VERBOSE": "on"}),
    ("cleanup", {**PLACES, "WERF_PARALLEL_TASKS_LIMIT": "0"}),
    ("cleanup", {**PLACES, "WERF_PARALLEL_TASKS_LIMIT": "abc"}),
    ("cleanup", {**PLACES, "WERF_ALLOW_GIT_SHALLOW_CLONE": "off"}),
    ("cleanup", {**PLACES, "WERF_REPO_DOCKER_HUB_USERNAME": "me"}),
    ("cleanup", {**PLACES, "WERF_GIT_HISTORY_BASED_CLEANUP": "on"}),
    ("cleanup", {**PLACES, "WERF_PROJECT_NAME": "shop"}),
    ("cleanup", {**PLACES, "WERF_IMAGES_REPO_MODE": "multirepo", "WERF_REPO_IMPLEMENTATION": "default"}),
    ("cleanup", {**PLACES, "WERF_SYNCHRONIZATION": "kubernetes://werf-synchronization"}),
    ("cleanup", {**PLACES, "WERF_DEBUG": "1"}),
    ("cleanup", {**PLACES, "WERF_QUIET": "yes"}),
    (f"cleanup {ALL}", {}),
    ("cleanup -i=HOST/shop/app -s=HOST/shop/stages", {}),
    ("cleanup --images-repo=HOST/shop/app --stages-storage=HOST/shop/stages", {}),
    ("cleanup --images-repo HOST/shop/app/ --stages-storage HOST/shop/stages", {}),
    (f"cleanup {ALL} --without-kube", {}),
    (f"cleanup {ALL} --without-kube=t --parallel=f", {}),
    (f"cleanup {ALL} --without-kube true --parallel true", {}),
    (f"cleanup {ALL} --dry-run=T", {}),
    (f"cleanup {ALL} --dry-run --verbose", {}),
    (f"cleanup {ALL} --log-verbose --log-color-mode=off --log-pretty=false --log-terminal-width=120", {}),
    (f"cleanup {ALL} --quiet", {}),
    (f"cleanup {ALL} --debug", {}),
    (f"cleanup {ALL} --insecure-registry --skip-tls-verify-registry", {}),
    (f"cleanup {ALL} --insecure-registry=true", {"WERF_SKIP_TLS_VERIFY_REGISTRY": "1"}),
    (f"cleanup {ALL} --parallel-tasks-limit -1", {}),
    (f"cleanup {ALL} -p --parallel-tasks-limit=20", {}),
    (f"cleanup {ALL} --git-history-based-cleanup --git-history-based-cleanup-v1.2", {}),
    (f"cleanup {ALL} --git-tag-strategy-limit=-5 --git-commit-strategy-expiry-days=0x1e", {}),
    (f"cleanup {ALL} --synchronization :local --home-dir /tmp/h --tmp-dir /tmp/t", {}),
    (f"cleanup {ALL} -S :local --ssh-key ~/.ssh/id_rsa", {}),
    (f"cleanup {ALL} --config werf.yaml --config-templates-dir .werf --dir .", {}),
    (f"cleanup {ALL} --docker-config .docker", {}),
    (f"images cleanup {ALL}", dict(CI)),
    (f"stages cleanup {ALL}", dict(CI)),
    (f"stages cleanup {ALL}", {"WERF_DISABLE_STAGES_CLEANUP_DATE_PERIOD_POLICY": "1"}),
    ("managed-images ls -s HOST/shop/stages", dict(CI)),
    ("managed-images add -s HOST/shop/stages -N shop front", {}),
    ("managed-images rm --stages-storage HOST/shop/stages '~'", {}),
    ("purge --force --yes", {**PLACES, **CI}),
    ("version", dict(CI)),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Nothing changes in it: each line is a dry run."""
    with bench(tmp_path_factory.mktemp("lines")) as made:
        tiny_project(made.project, made.registry.storage, now=now())
        yield made


def run(shop: Bench, line: str, environ: Mapping[str, str], *more: str) -> tuple[int, str]:
    words = shlex.split(line.replace("HOST", shop.registry.host))
    env = {name: value.replace("HOST", shop.registry.host) for name, value in environ.items()}
    ran = shop.run(*words, *more, env={"WERF_DRY_RUN": "1", **env})
    return ran.code, ran.out + ran.err


def test_there_are_enough() -> None:
    assert len(LINES) >= 40


@pytest.mark.parametrize(("line", "environ"), LINES, ids=range(len(LINES)))
def test_it_runs_as_it_is(shop: Bench, line: str, environ: Mapping[str, str], tmp_path: Path) -> None:
    before = shop.contents()
    more = ["--plan-out", str(tmp_path / "plan")] if line.split()[0] in ("cleanup", "images", "stages") else []
    code, said = run(shop, line, environ, *more)
    assert code == 0, said
    assert shop.contents() == before
    assert "Traceback" not in said
    if line.startswith("cleanup"):
        plain = run(shop, f"cleanup {ALL}", {}, "--plan-out", str(tmp_path / "plain"))
        assert plain[0] == 0
        assert _doomed(tmp_path / "plan") == _doomed(tmp_path / "plain")


def _doomed(file: Path) -> list[tuple[str, str]]:
    plan, _ = read_plan(file, FOLDER, max_age=3600)
    return sorted((str(each.repository), tag) for each in plan.repositories for tag in each.doomed_tags)
