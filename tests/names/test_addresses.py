import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.engine.model.addresses import Address, defaults_to_plain_http, hostname
from holystone.engine.model.references import Digest, InvalidName, RegistryHost, RepositoryPath, Tag
from holystone.engine.names import ImageReference, parse_address, parse_reference, repository_of

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ubuntu", "docker.io/library/ubuntu"),
        ("ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
        ("example.com", "docker.io/library/example.com"),
        ("host:5000", "docker.io/library/host:5000"),
        ("team/app", "docker.io/team/app"),
        ("index.docker.io/ubuntu", "docker.io/library/ubuntu"),
        ("docker.io/library/ubuntu:v1", "docker.io/library/ubuntu:v1"),
        ("registry-1.docker.io/team/app", "docker.io/team/app"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1"),
        ("Registry.Example.com/app", "registry.example.com/app"),
        ("[::1]:5000/app:v1", "[::1]:5000/app:v1"),
        ("registry.example.com/a/b/c:V1_x", "registry.example.com/a/b/c:V1_x"),
        (f"app@sha256:{HEX}", f"docker.io/library/app@sha256:{HEX}"),
        (f"r.io/app:v1@sha256:{HEX}", f"r.io/app:v1@sha256:{HEX}"),
        ("a__b/c---d.e_f", "docker.io/a__b/c---d.e_f"),
    ],
)
def test_references_are_read_as_docker_reads_them(text: str, canonical: str) -> None:
    reference = parse_reference(text)
    assert str(reference) == canonical
    assert parse_reference(canonical) == reference


def test_an_upper_case_letter_makes_a_host() -> None:
    assert parse_reference("REGISTRY/app").repository.host == "registry"


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "app/", "/app", "app:", "app@", ":v1", "a..b", "a___b", "-a", "a-", "team/App", "App", "r.io/",
        "r.io//a", HEX, "app:v1:v2", "app:-v1", "app:v1\n", "app\n",
        "app@sha256:abc", f"app@md5:{HEX}", f"app@sha256:{HEX.upper()}",
        "r.io:0/app", "r.io:65536/app", "r.io:99999/app", "r.io:123456/app", "[:::]/app", "[1:2]:5000/app",
        "https://registry.example.com/app", "[::1%eth0]:5000/app", "host_name.com/app", "r.io/" + "a" * 256, "ö/app",
    ],
)  # fmt: skip
def test_malformed_references_are_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_reference(text)


def test_a_digest_wins_over_a_tag_and_neither_means_latest() -> None:
    assert parse_reference("app").pulled == "latest"
    assert parse_reference("app:v1").pulled == "v1"
    assert parse_reference(f"app:v1@sha256:{HEX}").pulled == f"sha256:{HEX}"


hosts = st.sampled_from(["docker.io", "registry.example.com", "localhost:5000", "[::1]:5000", "127.0.0.1"])
paths = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3}|/)[a-z0-9]{1,6}){0,6}", fullmatch=True)
tags = st.none() | st.from_regex(Tag.pattern(), fullmatch=True).map(Tag)
digests = st.sampled_from([None, Digest(f"sha256:{HEX}")])


@given(hosts, paths, tags, digests)
def test_a_reference_reads_back_from_its_text(host: str, path: str, tag: Tag | None, digest: Digest | None) -> None:
    repository = repository_of(Address(RegistryHost(host), RepositoryPath(path)))
    reference = ImageReference(repository, tag, digest)
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("registry.example.com", "registry.example.com", None),
        ("host:5000", "host:5000", None),
        ("[::1]:5000", "[::1]:5000", None),
        ("Registry.Example.com/", "registry.example.com", None),
        ("registry.example.com/project/", "registry.example.com", "project"),
        ("localhost:5000/p", "localhost:5000", "p"),
        ("account", "docker.io", "account"),
        ("localhost", "docker.io", "localhost"),
        ("library/alpine", "docker.io", "alpine"),
        ("index.docker.io/library", "docker.io", "library"),
        ("index.docker.io/a/b/c", "docker.io", "a/b/c"),
        ("index.docker.io", "docker.io", None),
        ("registry.hub.docker.com/account/app", "docker.io", "account/app"),
        ("registry.example.com/library/app", "registry.example.com", "library/app"),
    ],
)
def test_addresses_name_a_registry_or_a_repository(text: str, host: str, path: str | None) -> None:
    address = parse_address(text)
    assert (address.host, address.path) == (host, path)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("registry.example.com/app:v1", "contains a tag: leave out ':v1'"),
        (f"registry.example.com/app@sha256:{HEX}", "contains a digest"),
        ("https://registry.example.com/app", "contains a scheme"),
        ("https://registry.example.com", "contains a scheme"),
        ("registry.example.com/App", "must be lower case"),
        ("app:v1", "neither HOST nor HOST:PORT"),
        (HEX, "looks like an image id"),
        ("", "not a valid repository name"),
        ("registry.example.com//app", "not a valid repository name"),
    ],
)
def test_a_bad_address_is_refused_with_advice(text: str, says: str) -> None:
    with pytest.raises(InvalidName, match=says.replace("(", r"\(")):
        parse_address(text)


def test_a_registry_alone_is_no_repository() -> None:
    with pytest.raises(InvalidName, match=r"registry\.example\.com is a registry"):
        repository_of(parse_address("registry.example.com"))


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("[::1]:5000", True),
        ("[::2]:5000", False),
        ("127.0.0.1.nip.io", False),
        ("localhost.example.com", False),
        ("registry.example.com:80", False),
        ("10.0.0.1", False),
    ],
)
def test_plain_http_is_for_this_machine_only(host: str, plain: bool) -> None:
    assert defaults_to_plain_http(RegistryHost.parse(host)) is plain


def test_a_host_name_has_no_port() -> None:
    assert hostname(RegistryHost("r.io:5000")) == "r.io"
    assert hostname(RegistryHost("[::1]:5000")) == hostname(RegistryHost("[::1]")) == "::1"


SECRET = "s3cret"
LOGINS = [
    f"user:{SECRET}@r.io/app", f"{SECRET}@r.io/app", f"user:{SECRET}@r.io", f"user:{SECRET}@localhost:5000",
    f"user:pa/ss{SECRET}@r.io/app", f"user:p@{SECRET}@r.io/app:v1", f"user:{SECRET}@r.io/app@sha256:{HEX}",
    f"https://user:{SECRET}@r.io/app", f"user:{SECRET}@[::1]:5000/app", f"user:{SECRET}@",
    f"user:{SECRET}@r.io:99999/app",
]  # fmt: skip


@pytest.mark.parametrize("text", LOGINS)
def test_a_login_in_an_address_is_refused_without_being_shown(text: str) -> None:
    for parse in (parse_address, parse_reference):
        with pytest.raises(InvalidName) as refused:
            parse(text)
        assert SECRET not in str(refused.value)
        assert "'@'" in str(refused.value)


@pytest.mark.parametrize("text", [f"app@sha256:{HEX}", "r.io:5000/app@sha256:abc", f"app:v1@md5:{HEX}"])
def test_a_digest_is_no_login(text: str) -> None:
    with pytest.raises(InvalidName, match="digest"):
        parse_address(text)


@pytest.mark.parametrize(
    "port", [1, 80, 443, 5000, 9999, 10000, 59999, 60000, 64999, 65000, 65499, 65529, 65530, 65535]
)
def test_every_port_that_there_can_be(port: int) -> None:
    assert parse_address(f"r.io:{port}/app").host == f"r.io:{port}"
