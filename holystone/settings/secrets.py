"""Which of the options are credentials of our own, and what follows from that.

Programs that are run (git with ssh and its credential helpers, Docker's credential helpers, exec plugins of
kubeconfigs, werf) get the rest of the environment as it is: what they need is known to whoever set them up, AWS_* by
a plugin, SSH_AUTH_SOCK and a proxy by git, and a list of what is allowed would break set-ups that nobody thought of.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from holystone.settings.given import Options
from holystone.settings.tables import CLEANUP_OPTIONS

_CREDENTIALS: Final = tuple(each for each in CLEANUP_OPTIONS if each.credential)
OUR_SECRETS: Final = frozenset(name for each in _CREDENTIALS for name in each.variables)
"""Variables that no other program sees."""


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in OUR_SECRETS}


def pieces(words: Iterable[str]) -> Iterable[str]:
    """What of a command line may be a piece of a secret: what follows the option of a secret, up to the next option. A
    password with blanks that nobody quoted is several words."""
    flags = {each.flag for each in _CREDENTIALS if each.credential == "secret"}
    behind = False
    for word in words:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            behind = name in flags
            word = value
        if behind and word:
            yield word


def exposed(options: Options) -> Iterable[str]:
    """Whether a secret stands on the command line, as a sentence for people."""
    typed = [each for each in _CREDENTIALS if each.credential == "secret" and options.get(each.key)]
    if typed:
        flags, variables = (
            ", ".join(names) for names in zip(*((e.flag, f"${e.variables[0]}") for e in typed), strict=True)
        )
        yield f"{flags} on the command line can be read by everybody on this machine (`ps`): use {variables}."
