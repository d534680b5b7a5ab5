"""The implementation `github`: GitHub Packages on ghcr.io, on ghe.com and on GitHub Enterprise Server."""

from typing import Final

from holystone.adapters.registries.vendor import TokenOption, Vendor
from holystone.engine.model.addresses import Address, ModeRules, hostname


def _modes(address: Address) -> ModeRules:
    """The Docker registry of GitHub Packages (docker.HOST on own servers) nests nothing; its successor does."""
    if hostname(address.host).startswith("docker."):
        return ModeRules(account=("OWNER", "PROJECT"), repository="PACKAGE", nests=False)
    return ModeRules(account=("OWNER",), repository="PACKAGE")


VENDOR: Final = Vendor(
    package=__name__,
    title="GitHub Packages (ghcr.io, ghe.com, GitHub Enterprise Server)",
    # ghcr.io and GitHub Enterprise Cloud's besides werf's own.
    hosts=r"docker\.pkg\.github\.com|ghcr\.io|containers\.[^.]+\.ghe\.com",
    modes=_modes,
    logins=(
        TokenOption(
            name="github-token",
            help="GitHub token (classic, with read:packages and delete:packages)",
            variables="WERF",
        ),
    ),
)
