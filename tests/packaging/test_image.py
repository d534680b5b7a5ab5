"""The image that `make image` has just built, unpacked and run as a container would run it: by its own user, on a root
that nobody can write to. HOLYSTONE_IMAGE is the folder that it was built into."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.image
ROOT = Path(__file__).parents[2]


def layout(built: Path) -> tuple[str, dict[str, Any]]:
    """The digest of the only manifest, and the image's configuration."""

    def blob(digest: str) -> Any:
        return json.loads((built / "image" / "blobs" / digest.replace(":", "/")).read_bytes())

    (manifest,) = json.loads((built / "image" / "index.json").read_bytes())["manifests"]
    return manifest["digest"], blob(blob(manifest["digest"])["config"]["digest"])


@pytest.fixture(scope="module")
def built() -> Path:
    if "HOLYSTONE_IMAGE" not in os.environ:
        pytest.skip("only `make image` builds one")
    return Path(os.environ["HOLYSTONE_IMAGE"]).resolve()


@pytest.fixture(scope="module")
def root(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may run a program in another root")
    bundle = tmp_path_factory.mktemp("image") / "bundle"
    version = json.loads((built / "image" / "index.json").read_bytes())["manifests"][0]["annotations"][
        "org.opencontainers.image.ref.name"
    ]
    subprocess.run(
        ["umoci", "unpack", "--image", f"{built / 'image'}:{version}", bundle], check=True, capture_output=True
    )
    yield bundle / "rootfs"
    subprocess.run(["rm", "-rf", bundle], check=True)


def run(root: Path, config: dict[str, Any], *command: str) -> subprocess.CompletedProcess[str]:
    """In mounts of its own that end with it: a root to read, and the places that containers may write to."""
    inside = shlex.join(["env", "-i", *config["Env"], *command])
    mounts = f"""
        set -e
        mount --bind {root} {root}
        mount --rbind /dev {root}/dev
        mount -t proc proc {root}/proc
        mount -t tmpfs -o mode=1777 tmpfs {root}/tmp
        mount -t tmpfs -o uid=65532,gid=65532,mode=700 tmpfs {root}{config["WorkingDir"]}
        mount -o remount,bind,ro {root}
        exec chroot --userspec={config["User"]} {root} {inside}
    """
    return subprocess.run(["unshare", "--mount", "--", "sh", "-c", mounts], capture_output=True, text=True, timeout=120)


def test_it_runs_as_nobody_in_particular(built: Path) -> None:
    config = layout(built)[1]["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["holystone"]
    assert config["Labels"]["org.opencontainers.image.title"] == "holystone"


def test_the_demo_runs_on_a_root_that_cannot_be_written(built: Path, root: Path) -> None:
    done = run(root, layout(built)[1]["config"], "holystone", "demo")
    assert done.returncode == 0, done.stderr
    assert "still there" in done.stdout


def test_what_every_registry_needs_is_there(built: Path, root: Path) -> None:
    packages = "re2, pygit2, uvloop, aioboto3, azure.identity, google.auth"
    check = f"import sys; sys.path.insert(0, '/opt/holystone'); import {packages}"
    config = layout(built)[1]["config"]
    for command in (
        ["python3", "-P", "-c", check],
        ["git", "--version"],
        ["ssh", "-V"],
        ["sh", "-c", "test -s /etc/ssl/certs/ca-certificates.crt"],
    ):
        done = run(root, config, *command)
        assert done.returncode == 0, (command, done.stderr)


def test_its_user_can_change_nothing_and_become_nobody_else(root: Path) -> None:
    assert not [path for path in root.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o6000]
    writable = {
        f"/{path.relative_to(root)}"
        for path in root.rglob("*")
        if not path.is_symlink() and (path.stat().st_uid == 65532 or path.stat().st_mode & 0o002)
    }
    assert {path for path in writable if not path.startswith(("/home/holystone", "/dev/"))} == {
        "/tmp",
        "/var/tmp",
        "/run/lock",
    } & writable


def test_the_sbom_names_every_package(built: Path, root: Path) -> None:
    (path,) = built.glob("*.image.cdx.json")
    named = {(each["name"], each.get("version")) for each in json.loads(path.read_bytes())["components"]}
    status = (root / "var/lib/dpkg/status").read_text()
    debian = set(re.findall(r"^Package: (\S+)\n(?:.+\n)*?Version: (\S+)$", status, re.MULTILINE))
    python = {
        tuple(re.findall(r"^(?:Name|Version): (\S+)$", each.read_text(), re.MULTILINE)[:2])
        for each in (root / "opt/holystone").glob("*.dist-info/METADATA")
    }
    normal = {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in named}
    assert len(debian) > 50
    assert debian <= named
    assert len(python) > 40
    assert {
        (re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in python if name != "holystone"
    } <= normal


def test_two_builds_are_equal(built: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["scripts/make-image.sh", Path(sys.prefix) / "bin", tmp_path / "again"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert layout(tmp_path / "again")[0] == layout(built)[0]
    (mine,), (again,) = built.glob("*.image.cdx.json"), (tmp_path / "again").glob("*.image.cdx.json")
    assert again.read_bytes() == mine.read_bytes()
