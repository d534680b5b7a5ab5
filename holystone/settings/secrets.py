"""Which of the options are credentials of our own, and what follows from that.

Programs that are run (git with ssh and its credential helpers, Docker's credential helpers, exec plugins of
kubeconfigs, werf) get the rest of the environment as it is: what they need is known to whoever set them up, AWS_* by
a plugin, SSH_AUTH_SOCK and a proxy by git, and a list of what is allowed would break set-ups that nobody thought of.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from holystone.adapters.credentials.redaction import remember
from holystone.adapters.credentials.reference import (
    InVariable,
    SecretReference,
    is_reference,
    parse_reference,
)
from holystone.engine.errors import UsageError
from holystone.settings.given import Given, GivenValue, Options
from holystone.settings.tables import CLEANUP_OPTIONS

_CREDENTIALS: Final = tuple(each for each in CLEANUP_OPTIONS if each.credential)
OUR_SECRETS: Final = frozenset(name for each in _CREDENTIALS for name in each.variables)
"""Variables that no other program sees."""


def secret_reference(given: Given, value: GivenValue) -> SecretReference:
    """Where a secret is, which is hidden from now on if it is in a variable: what is run before it is read may say what
    stands there. Raises UsageError."""
    reference = login_reference(given, value)
    if isinstance(reference, InVariable) and (there := given.variable(reference.name)):
        remember(there.text)
    return reference


def login_reference(given: Given, value: GivenValue) -> SecretReference:
    """Where a secret or a name is. Raises UsageError. What has left our environment by the time that it is read can be
    referred to no more."""
    reference = parse_reference(value.text, value.source, given.expanded)
    if isinstance(reference, InVariable) and reference.name in OUR_SECRETS:
        raise UsageError(
            f"{value.source} refers to the variable {reference.name}, which is a login itself.",
            what_to_do="Refer to a variable of another name, or to a file.",
        )
    return reference


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
        if behind and word and not is_reference(word):
            yield word


def exposed(options: Options) -> Iterable[str]:
    """Whether a secret stands on the command line, as a sentence for people."""
    secrets = [each for each in _CREDENTIALS if each.credential == "secret" and options.get(each.key)]
    typed = [each for each in secrets if not is_reference(str(options[each.key]))]
    if typed:
        flags, variables = (
            ", ".join(names) for names in zip(*((e.flag, f"${e.variables[0]}") for e in typed), strict=True)
        )
        yield (
            f"{flags} on the command line can be read by everybody on this machine (`ps`): use {variables}, or say "
            "where the secret is (env:NAME, file:PATH)."
        )
