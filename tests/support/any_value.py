"""Any value of a type that plans are made of: whatever somebody may write into a plan file that is decoded."""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from holystone.engine.model.references import Commit, Digest, ImageName, RegistryHost, RepositoryPath, Tag

_NAMES: dict[Any, st.SearchStrategy[Any]] = {
    Commit: st.sampled_from([Commit("a" * 40), Commit("b" * 64)]),
    Digest: st.sampled_from([Digest.of(b"one"), Digest.of(b"two", "sha512")]),
    ImageName: st.sampled_from(["", "back", "shop/front", "`reboot`;'"]).map(ImageName.parse),
    RegistryHost: st.sampled_from(["r.example", "127.0.0.1:5000", "[::1]:443"]).map(RegistryHost.parse),
    RepositoryPath: st.sampled_from(["app", "shop/stages"]).map(RepositoryPath.parse),
    Tag: st.sampled_from(
        ["latest", "holystone-lock-1700000000-20231114-221320-0a1b", "holystone-lock-999999999999-r", "x" * 128]
    ).map(Tag.parse),
    str: st.text(max_size=20)
    | st.sampled_from(["", "\x1b[2J", "\N{RIGHT-TO-LEFT OVERRIDE}", "$(reboot)", "'", "x" * 5000]),
    int: st.integers(-(10**20), 10**40),
    bool: st.booleans(),
    type(None): st.none(),
}


def any_value(kind: Any) -> st.SearchStrategy[Any]:
    """A union of many kinds gives one of them."""
    if kind in _NAMES:
        return _NAMES[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is Annotated:
        return _bounded(*inner)
    if origin in (Union, UnionType):
        return st.one_of(*map(any_value, inner))
    if origin is tuple:
        return st.lists(any_value(inner[0]), max_size=8).map(tuple)
    fields = msgspec.structs.fields(kind)
    return st.builds(kind, *(any_value(each.type) for each in fields))


def _bounded(kind: Any, bounds: msgspec.Meta) -> st.SearchStrategy[Any]:
    if kind is float:
        return st.floats(bounds.ge, bounds.le)
    most = 10**40 if bounds.le is None else int(bounds.le)
    return st.integers(int(bounds.ge or 0), most) | st.sampled_from([0, 1, 2, most])
