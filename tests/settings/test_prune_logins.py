"""Which registries of `prune`, of which there may be many, get the logins of vendors' options, which are of one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from holystone.adapters.credentials.redaction import redacted
from holystone.adapters.credentials.reference import PasswordLogin
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost
from holystone.settings.prune import PruneSettings, resolve_prune

OURS = {"WERF_REPO_HARBOR_USERNAME": "sweeper", "WERF_REPO_HARBOR_PASSWORD": "Belongs-Elsewhere-1"}
HARBORS = "a.example.com: {implementation: harbor}, b.example.com: {implementation: harbor}"
OWN = "{implementation: harbor, credentials: {username: env:A, password: env:B}}"


def resolved(folder: Path, environ: Mapping[str, str], hosts: Sequence[str], registries: str = "") -> PruneSettings:
    file = folder / "holystone.yaml"
    patterns = ", ".join(f'"{host}/**"' for host in hosts)
    said = f"registries: {{{registries}}}\n" if registries else ""
    file.write_text(
        f"format: 1\nin-use: {{kubernetes: none}}\n{said}policies:\n"
        f"  - {{name: all, repositories: [{patterns}], keep: [{{newest: 3}}]}}\n"
    )
    return resolve_prune({"config": str(file)}, {"HOME": str(folder), **environ}, ())


def logins(made: PruneSettings) -> set[str]:
    return {name for access in made.registry.access.values() for name in access.logins}


@pytest.mark.parametrize(
    ("hosts", "registries"),
    [
        (["harbor.a.example.com", "harbor.b.example.com"], ""),
        (
            ["a.example.com", "b.example.com"],
            "a.example.com: {implementation: harbor}, b.example.com: {implementation: harbor}",
        ),
        (["**"], "a.example.com: {implementation: harbor}, b.example.com: {implementation: harbor}"),
    ],
    ids=["by name", "by word", "any"],
)
def test_a_login_of_one_registry_is_shown_to_none_of_several(tmp_path: Path, hosts: list[str], registries: str) -> None:
    with pytest.raises(UsageError, match=r"login of one registry, and several are harbor: .*a\.ex.*b\.ex") as refused:
        resolved(tmp_path, OURS, hosts, registries)
    assert "WERF_REPO_HARBOR_PASSWORD" in str(refused.value)
    assert "Elsewhere" not in str(refused.value)
    assert not logins(resolved(tmp_path, {}, hosts, registries))


def test_what_is_a_vendors_own_is_for_its_host_and_no_other(tmp_path: Path) -> None:
    token = {"WERF_REPO_QUAY_TOKEN": "Belongs-Elsewhere-1"}
    with pytest.raises(UsageError, match=r"several are quay: .*quay\.io"):
        resolved(tmp_path, token, ["quay.io/team", "r.example.com"], "r.example.com: {implementation: quay}")
    assert logins(resolved(tmp_path, token, ["quay.io/team", "r.example.com"])) == {"quay"}


def test_registries_that_have_logins_of_their_own_are_not_counted(tmp_path: Path) -> None:
    hosts = ["a.example.com", "b.example.com"]
    made = resolved(tmp_path, OURS, hosts, f"a.example.com: {{implementation: harbor}}, b.example.com: {OWN}")
    assert logins(made) == {"harbor"}
    assert isinstance(made.registry.by_host[RegistryHost("b.example.com")], PasswordLogin)


def test_the_address_of_an_api_is_of_one_registry(tmp_path: Path) -> None:
    """What Docker has for the others would be shown to it."""
    api = {"HOLYSTONE_REPO_API_URL": "https://api.example.com"}
    with pytest.raises(UsageError, match=r"API_URL: this is the API of one registry, and .* docker\.io"):
        resolved(tmp_path, api, ["a.example.com", "docker.io/team"])
    assert resolved(tmp_path, api, ["a.example.com"]).registry.access["images"].api_url


def test_what_is_said_of_the_places_of_a_project_is_said_of_no_registry_of_prune(tmp_path: Path) -> None:
    """WERF_IMAGES_REPO, which is where they belong, counts for nothing here."""
    theirs = {
        "WERF_IMAGES_REPO": "harbor.a.example.com/shop",
        "WERF_IMAGES_REPO_HARBOR_USERNAME": "sweeper",
        "WERF_IMAGES_REPO_HARBOR_PASSWORD": "Belongs-Elsewhere-1",
        "HOLYSTONE_IMAGES_REPO_API_URL": "https://api.example.com",
    }
    made = resolved(tmp_path, theirs, ["harbor.b.example.com"])
    assert not logins(made)
    assert not any(each.api_url for each in made.registry.access.values())


def test_a_variable_of_a_file_that_is_a_login_of_our_own_is_refused(tmp_path: Path) -> None:
    """It has left our environment before it is read."""
    for name in ("USERNAME", "PASSWORD"):
        pair = {"USERNAME": "A", "PASSWORD": "B", name: f"WERF_REPO_HARBOR_{name}"}
        said = f"a.example.com: {{credentials: {{username: env:{pair['USERNAME']}, password: env:{pair['PASSWORD']}}}}}"
        with pytest.raises(UsageError, match=f"a.example.com refers to .*{name}, which is a login itself"):
            resolved(tmp_path, OURS, ["a.example.com"], said)


def test_a_secret_that_a_file_refers_to_is_hidden_before_it_is_read(tmp_path: Path) -> None:
    environ = {"A": "some-user-name", "B": "the-secret-of-b"}
    resolved(tmp_path, environ, ["b.example.com"], f"b.example.com: {OWN}")
    assert redacted("some-user-name the-secret-of-b") == "some-user-name ***"
