"""Functions that are there already, and other code for them: whoever has imported one, has the changed one."""

import ast
import builtins
import gc
from collections.abc import Callable, Iterable, Iterator
from functools import _lru_cache_wrapper
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final

from tests.mutants.operators import Mutant

_RAN: Final = "_holystone_ran"


class Functions:
    """Of some files, as they are now."""

    def __init__(self, files: Iterable[str]) -> None:
        self._there: dict[tuple[str, str, int], list[FunctionType]] = {}
        self._caches: list[_lru_cache_wrapper[object]] = []
        wanted = {*files}
        for each in gc.get_objects():
            if isinstance(each, _lru_cache_wrapper) and _file(each.__wrapped__) in wanted:
                self._caches.append(each)
            if type(each) is FunctionType and each.__code__.co_filename in wanted:
                self._there.setdefault(_place(each.__code__), []).append(each)

    def change(self, module: CodeType, mutant: Mutant) -> bool:
        """False if the function that is there cannot take it."""
        return any(
            self._put(code) for code in _codes(module) if code.co_qualname == mutant.outermost and _has(code, mutant)
        )

    def watch(self, ran: Callable[[tuple[str, str]], object]) -> None:
        """From here on `ran` is told of each that is called, by file and name."""
        setattr(builtins, _RAN, ran)
        for file in {file for file, _, _ in self._there}:
            tree = ast.parse(Path(file).read_text())
            _tell(tree, file, ())
            for code in _codes(compile(tree, file, "exec", dont_inherit=True)):
                self._put(code)

    def forget(self) -> None:
        """What is remembered of earlier calls: who calls again must run."""
        for cache in self._caches:
            cache.cache_clear()

    def _put(self, code: CodeType) -> bool:
        there = [
            function
            for function in self._there.get(_place(code), ())
            if len(function.__code__.co_freevars) == len(code.co_freevars)
        ]
        for function in there:
            function.__code__ = code
        return bool(there)


def _place(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _has(code: CodeType, mutant: Mutant) -> bool:
    last = max(line or 0 for each in _codes(code) for *_, line in each.co_lines())
    return code.co_firstlineno <= mutant.line <= last


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _codes(each)


def _tell(node: ast.AST, file: str, around: tuple[str, ...]) -> None:
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.ClassDef):
            _tell(each, file, (*around, each.name))
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            _tell(each, file, (*around, each.name, "<locals>"))
            told = ast.parse(f"{_RAN}({(file, '.'.join((*around, each.name)))!r})").body[0]
            for part in ast.walk(told):
                ast.copy_location(part, each.body[0])
            each.body.insert(0, told)
        else:
            _tell(each, file, around)


def _file(wrapped: object) -> str | None:
    """None for what is no function of ours: a connection of `sqlite3` has a cache of its statements."""
    return wrapped.__code__.co_filename if isinstance(wrapped, FunctionType) else None
