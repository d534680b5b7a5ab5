"""Options and variables that say where a secret is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.harbor import PASSWORD, Account, HarborEmulator
from tests.support.signed_in import Person, signed_in

pytestmark = pytest.mark.slow  # each a process of its own

HARBOR = "harbor.example.com"


@pytest.fixture
def harbor() -> HarborEmulator:
    return HarborEmulator()


@pytest.fixture
def sweeper(tmp_path: Path, harbor: HarborEmulator) -> Iterator[Person]:
    with signed_in(tmp_path, harbor, HARBOR) as person:
        person.env["WERF_REPO_HARBOR_USERNAME"] = "sweeper"
        person.secrets.append(PASSWORD)
        yield person


def test_in_a_variable(sweeper: Person) -> None:
    sweeper.env["OF_THE_VAULT"] = PASSWORD
    ran = sweeper.cleans("--repo-harbor-password=env:OF_THE_VAULT")
    assert "`ps`" not in ran.err


def test_in_a_variable_that_is_not_set(sweeper: Person) -> None:
    sweeper.env["WERF_REPO_HARBOR_PASSWORD"] = "env:OF_THE_VAULT"
    sweeper.is_told(r"\$WERF_REPO_HARBOR_PASSWORD refers to the variable OF_THE_VAULT, which is not set", code=2)


def test_in_a_file(sweeper: Person) -> None:
    sweeper.leave("mounted/harbor", f"{PASSWORD}\n")
    sweeper.env["WERF_REPO_HARBOR_PASSWORD"] = "file:~/mounted/harbor"
    sweeper.deletes()


def test_in_a_file_that_is_not_there(sweeper: Person) -> None:
    place = f"file:{sweeper.home}/mounted/harbor"
    sweeper.is_told(
        "--repo-harbor-password refers to the file .*: No such file",
        code=2,
        options=(f"--repo-harbor-password={place}",),
    )


def test_one_that_begins_like_a_place(sweeper: Person, harbor: HarborEmulator) -> None:
    harbor.accounts["sweeper"] = Account("env:Odd-Secret-9", harbor.accounts["sweeper"].rights)
    sweeper.leave("mounted/harbor", "env:Odd-Secret-9")
    sweeper.secrets.append("env:Odd-Secret-9")
    sweeper.env["WERF_REPO_HARBOR_PASSWORD"] = "file:~/mounted/harbor"
    sweeper.cleans()
