"""Docker Hub: tags are listed and deleted by the Hub API, manifests and configurations read from its registry."""

from typing import Final

from holystone.adapters.registries.vendor import PasswordOptions, TokenOption, Vendor
from holystone.engine.model.addresses import ModeRules

VENDOR: Final = Vendor(
    package=__name__,
    title="Docker Hub",
    hosts=r"docker\.io|index\.docker\.io|registry-1\.docker\.io|registry\.hub\.docker\.com",
    modes=lambda _: ModeRules(account=("ACCOUNT",), nests=False),
    logins=(
        PasswordOptions(
            name="docker-hub",
            username="Docker Hub user",
            password="Docker Hub password or access token",  # noqa: S106 - its help
            variables="WERF",
        ),
        TokenOption(name="docker-hub-token", help="Docker Hub token (a JWT)", variables="WERF"),
    ),
)
