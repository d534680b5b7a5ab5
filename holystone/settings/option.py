"""What an option is: one value for the command line, for `resolve` and for the docs."""

from typing import Literal

import msgspec


class Option(msgspec.Struct, frozen=True):
    name: str
    """Without the dashes."""
    help: str
    variables: tuple[str, ...] = ()
    """The first that is not empty counts. A name with a final `*` stands for all variables that begin so."""
    aliases: tuple[str, ...] = ()
    kind: Literal["text", "flag", "many", "hosts"] = "text"
    """`hosts`: a flag that may be given hosts to be true of, and several times."""
    metavar: str = "TEXT"
    no_effect: str = ""
    """Why the option is accepted without an effect; empty for all others."""
    hidden: bool = False
    decides: bool = False
    """Of a flag: what is deleted hangs on it."""
    credential: Literal["", "name", "secret"] = ""
    """Half of a login, or all of it: no other program sees its variables (`settings.secrets`)."""

    @property
    def key(self) -> str:
        """The option's name as a parameter is called."""
        return self.name.replace("-", "_").replace(".", "_")

    @property
    def flag(self) -> str:
        return f"--{self.name}"
