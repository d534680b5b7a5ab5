"""A registry that speaks TLS on 127.0.0.1, and nobody who says anything about it."""

from pathlib import Path

import pytest

from tests.support.certificates import Authority
from tests.support.scenes import Tiny
from tests.support.tiny_project import kept_tags

pytestmark = pytest.mark.slow
REPOSITORY = "shop/app/front"


async def test_it_is_cleaned_over_tls(tiny: Tiny, tmp_path: Path) -> None:
    """Its authority is known as on any other host."""
    authority = Authority()
    known = tmp_path / "authority.pem"
    known.write_text(authority.pem)
    async with tiny(certificate=authority.server(), environ={"SSL_CERT_FILE": str(known)}) as scene:
        ran = await scene.cli.run(*scene.cli.cleanup_arguments())
        assert ran.code == 0, ran.err
        stay = {str(each.tag) for each in kept_tags(scene.project) if str(each.repository) == REPOSITORY}
        assert len(stay) == 3
        assert scene.tags(REPOSITORY) == stay
        said = scene.registry.log.read_text()
    assert "HTTP request to an HTTPS server" not in said, "not even asked in clear text"


async def test_a_certificate_that_nobody_vouches_for_stops_the_run(tiny: Tiny) -> None:
    """Falling back to clear text would help nobody but whoever put himself in between."""
    async with tiny(certificate=Authority().server()) as scene:
        before = scene.tags(REPOSITORY)
        ran = await scene.cli.run(*scene.cli.cleanup_arguments())
        assert ran.code == 3, ran.err
        assert "certificate" in ran.err
        assert f"--skip-tls-verify-registry={scene.registry.host}" in ran.err
        assert scene.tags(REPOSITORY) == before
        again = await scene.cli.run(*scene.cli.cleanup_arguments("--skip-tls-verify-registry"))
        assert again.code == 0, again.err
        assert scene.tags(REPOSITORY) < before
        said = scene.registry.log.read_text()
    assert "HTTP request to an HTTPS server" not in said


async def test_plain_http_goes_on_without_a_word(tiny: Tiny) -> None:
    async with tiny() as scene:
        before = scene.tags(REPOSITORY)
        ran = await scene.cli.run(*scene.cli.cleanup_arguments())
        assert ran.code == 0, ran.err
        assert scene.tags(REPOSITORY) < before
