"""Google: where an image belongs."""

from collections.abc import Mapping

import pytest

from holystone.adapters.registries.gcr.places import Image, locate
from holystone.engine.model.references import RegistryHost, RepositoryPath


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("gcr.io", "proj/app", Image("proj", "us", "gcr.io", "app")),
        ("eu.gcr.io", "proj/a/b", Image("proj", "europe", "eu.gcr.io", "a/b")),
        ("asia.gcr.io", "example.com/proj/a", Image("example.com:proj", "asia", "asia.gcr.io", "a")),
        ("us-docker.pkg.dev", "proj/repo/a/b", Image("proj", "us", "repo", "a/b")),
        ("us-west1-docker.pkg.dev", "example.com/p/r/a", Image("example.com:p", "us-west1", "r", "a")),
        ("docker.us-west1.rep.pkg.dev", "p/r/a", Image("p", "us-west1", "r", "a")),
        ("127.0.0.1:5000", "team/app", Image("team", "us", "gcr.io", "app")),
        ("us-docker.pkg.dev", "proj/repo", None),
        ("us-docker.pkg.dev", "proj", None),
        ("gcr.io", "proj", None),
        ("us-python.pkg.dev", "proj/repo/a", None),
        ("launcher.gcr.io", "proj/app", None),
    ],
)
def test_where_an_image_belongs(host: str, path: str, expected: Image | None) -> None:
    assert locate(RegistryHost(host), RepositoryPath(path)) == expected


def test_resource_names() -> None:
    image = Image("example.com:proj", "us", "repo", "a/b")
    assert image.resource == "projects/example.com%3Aproj/locations/us/repositories/repo/packages/a%2Fb"
    expected: Mapping[str, str] = {"project": "example.com:proj", "location": "us"}
    assert all(f"--{name}={value}" in image.update_command for name, value in expected.items())
