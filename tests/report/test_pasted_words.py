"""What advice says is to be pasted is one word for a shell, whatever it is made of, and shows all that is in it."""

import subprocess

import pytest

from holystone.engine.errors import shell_word

WORDS = [
    "/srv/shop",
    "/srv/my shop",
    "it's",
    "$(reboot)",
    "`reboot`;",
    "-rf",
    "a\nb",
    "\x1b[2J",
    "\u202eÄ'\\",
    "a\udcff",
    "",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_takes_it_for_what_it_is(word: str) -> None:
    shown = shell_word(word)
    done = subprocess.run(
        ["bash", "-c", f"printf %s {shown}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert done.stdout.decode(errors="surrogateescape") == word
    assert shown.isprintable()
