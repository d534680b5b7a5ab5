"""Small changes of a module, each of which should make some test fail: conditions that always or never hold,
comparisons by one off, operands and statements that are missing, other constants.

What nobody should notice is left alone: annotations, docstrings, decorators, `__repr__`, and texts for people, which
are those with a blank in them.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Final

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_CALLS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_FOR_TYPES: Final = ("TypeVar", "ParamSpec", "NewType", "cast")
_UNSEEN: Final = ("annotation", "returns", "decorator_list", "keywords", "type_comment")
"""Fields. Keywords are those of a class: `frozen`, `tag`."""


@dataclass(frozen=True, slots=True)
class Mutant:
    module: str
    """Its path, from the top of the project."""
    line: int
    text: str
    """Of that line."""
    change: str
    function: str
    """The innermost function that it is in, as `co_qualname` has it; empty if it is in none."""
    outermost: str
    """The function of the module or of a class that this one is in, or is."""
    number: int
    """Among the mutants of its module."""

    def __str__(self) -> str:
        return f"{self.module}:{self.line}: {self.text}\n    {self.change}"


@dataclass(frozen=True, slots=True)
class _Place:
    parent: ast.AST
    field: str
    at: int | None
    node: ast.AST
    function: tuple[str, ...]
    """The names around it, as in a `co_qualname`."""
    outermost: str

    def put(self, node: ast.AST) -> None:
        if self.at is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.at] = node


def mutants(module: str, source: str) -> list[Mutant]:
    lines = source.splitlines()
    made: list[Mutant] = []
    for place, new in _changes(ast.parse(source)):
        line = getattr(place.node, "lineno", 1)
        change = f"{_shown(place.node)} → {_shown(new)}"
        inner = ".".join(place.function).removesuffix(".<locals>") if place.outermost else ""
        made.append(Mutant(module, line, lines[line - 1].strip(), change, inner, place.outermost, len(made)))
    return made


def compiled(mutant: Mutant, file: Path) -> CodeType:
    """Of its whole module, each function on the lines on which it is."""
    tree = ast.parse(file.read_text())
    for number, (place, new) in enumerate(_changes(tree)):
        if number == mutant.number:
            place.put(ast.fix_missing_locations(ast.copy_location(new, place.node)))
            return compile(tree, str(file), "exec", dont_inherit=True)
    raise LookupError(f"{mutant.module} has no mutant {mutant.number}")


def _changes(tree: ast.Module) -> Iterator[tuple[_Place, ast.AST]]:
    for place in [*_places(tree, (), "")]:
        for new in _variants(place):
            yield place, new


def _places(node: ast.AST, around: tuple[str, ...], outermost: str) -> Iterator[_Place]:
    for field, value in ast.iter_fields(node):
        if field in _UNSEEN and not (field == "keywords" and isinstance(node, ast.Call)):
            continue
        for at, each in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(each, ast.AST) or _is_unseen(each):
                continue
            yield _Place(node, field, at, each, around, outermost)
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                name = ".".join((*around, each.name))
                # Defaults are made where the function is.
                for default in ("defaults", "kw_defaults"):
                    for number, made in enumerate(getattr(each.args, default)):
                        if made is not None:
                            yield _Place(each.args, default, number, made, around, outermost)
                for number, statement in enumerate(each.body):
                    if not _is_unseen(statement):
                        inside = (*around, each.name, "<locals>")
                        yield _Place(each, "body", number, statement, inside, outermost or name)
                        yield from _places(statement, inside, outermost or name)
            elif isinstance(each, ast.ClassDef):
                yield from _places(each, (*around, each.name), outermost)
            else:
                yield from _places(each, around, outermost)


def _is_unseen(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(name="__repr__") | ast.Assert() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.Assign(targets=[ast.Name(id="__slots__" | "__all__")]):
            return True
        case ast.Call(func=ast.Name(id=name)) if name in _FOR_TYPES:
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="_log"), attr="debug" | "info"))):
            return True
    return False


def _variants(place: _Place) -> Iterator[ast.AST]:
    node = place.node
    match node:
        case ast.Compare():
            for at, operator in enumerate(node.ops):
                if other := _COMPARISONS.get(type(operator)):
                    changed = copy.copy(node)
                    changed.ops = [*node.ops[:at], other(), *node.ops[at + 1 :]]
                    yield changed
        case ast.BoolOp():
            for at in range(len(node.values)):
                left = [*node.values[:at], *node.values[at + 1 :]]
                yield left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.BinOp():
            yield node.left
            if isinstance(node.op, ast.Add | ast.BitOr | ast.BitAnd | ast.Mult):
                yield node.right
        case ast.Constant():
            yield from _other_constants(node)
        case ast.Tuple(elts=elements, ctx=ast.Load()) if any(isinstance(each, ast.Starred) for each in elements):
            for at in range(len(elements)):
                yield ast.Tuple([*elements[:at], *elements[at + 1 :]], ast.Load())
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            changed_call = copy.copy(node)
            changed_call.func = ast.copy_location(ast.Name(_CALLS[name], ast.Load()), node.func)
            yield changed_call
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Delete() | ast.Raise():
            yield ast.Pass()
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.ExceptHandler() if not isinstance(node.body[0], ast.Raise):
            yield ast.ExceptHandler(node.type, node.name, [ast.Raise()])
    if place.field == "test" and isinstance(place.parent, ast.If | ast.IfExp):
        yield ast.Constant(True)
        yield ast.Constant(False)
    elif place.field == "ifs":
        yield ast.Constant(True)


def _other_constants(node: ast.Constant) -> Iterator[ast.AST]:
    match node.value:
        case bool(value):
            yield ast.Constant(not value)
        case int(value) | float(value):
            yield ast.Constant(value + 1)
        case str(value) if value and not any(each.isspace() for each in value):
            yield ast.Constant(f"{value}XX")
        case bytes(value) if value:
            yield ast.Constant(value + b"XX")


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _shown(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())
