"""Which images repo mode an address means, by the rules that its registry's adapter supplies."""

from collections.abc import Iterable

from holystone.engine.errors import UsageError
from holystone.engine.model.addresses import Address, ImagesRepoMode, ModeRules

MODES = ("auto", "multirepo", "monorepo")


def resolve_mode(rules: ModeRules, address: Address, mode: str) -> ImagesRepoMode:
    """`mode` is auto, multirepo or monorepo. Raises UsageError, which says what to add, leave out or choose."""
    if mode not in MODES:
        raise UsageError(
            f"{mode!r} is not an images repo mode.", what_to_do=f"Choose one of {', '.join(MODES)}: auto finds out."
        )
    account = "/".join((address.host, *rules.account))
    beyond = len(address.parts) - len(rules.account)
    if beyond < 0 or (beyond > 1 and not rules.nests):
        raise UsageError(
            f"The images repo {address} has too {'few' if beyond < 0 else 'many'} parts.",
            what_to_do=f"Use {account} (mode multirepo) or {account}/{rules.repository}.",
        )
    if beyond == 0:
        if mode == "monorepo":
            raise UsageError(
                f"The images repo {address} names no repository, so its mode cannot be monorepo: "
                "all images would need one repository to live in.",
                what_to_do=f"Add a repository, as in {address}/{rules.repository}, or use mode multirepo.",
            )
        return "multirepo"
    if rules.nests:
        return "monorepo" if mode == "monorepo" else "multirepo"
    if mode == "multirepo":
        shorter = "/".join((address.host, *address.parts[:-1]))
        raise UsageError(
            f"The images repo {address} names a repository and this registry has none below it, "
            "so its mode cannot be multirepo.",
            what_to_do=f"Leave out the last part, which makes it {shorter}, or use mode monorepo.",
        )
    return "monorepo"


def check_image_names(rules: ModeRules, address: Address, images: Iterable[str]) -> None:
    """Raises UsageError for the nameless image where it would need a repository that the address does not name."""
    if len(address.parts) <= len(rules.account) and "" in images:
        raise UsageError(
            f"The images repo {address} names no repository, so the nameless image cannot live there.",
            what_to_do="Name the image in werf.yaml and run `holystone managed-images rm '~'`, "
            f"or add a repository to the images repo, as in {address}/{rules.repository}.",
        )
