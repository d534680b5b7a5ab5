"""The page about what tests share names all of it, in the words of each module."""

import ast
import re
from pathlib import Path

SUPPORT = Path("tests/support")


def test_each_module_is_on_the_page_with_its_own_words() -> None:
    page = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", (SUPPORT / "README.md").read_text(), re.MULTILINE))
    modules = {each.stem: ast.get_docstring(ast.parse(each.read_text())) or "" for each in SUPPORT.glob("*.py")}
    assert page == {name: " ".join(words.partition("\n\n")[0].split()) for name, words in modules.items()}
