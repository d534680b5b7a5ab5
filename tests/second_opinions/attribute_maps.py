"""Models of Azure's clients, which are generated from its descriptions of APIs, as types that can be held against JSON.

The generated code itself is lenient: what it does not know and what is missing, it passes over."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from azure.containerregistry._generated._serialization import Deserializer, Model
from azure.containerregistry._generated.models import _models as models
from pydantic import AfterValidator

from tests.second_opinions.strictness import shape


def _moment(text: str) -> str:
    Deserializer.deserialize_iso(text)  # type: ignore[no-untyped-call]
    return text


_PLAIN: Final[Mapping[str, Any]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "object": Any,
    "iso-8601": Annotated[str, AfterValidator(_moment)],
}


def described(model: type[Model], more: Mapping[str, Mapping[str, Any]]) -> Any:
    """The type. `more`: what models have besides, by their names."""

    def type_of(word: str) -> Any:
        if word.startswith("["):
            return list[type_of(word[1:-1])]  # type: ignore[misc]
        return _PLAIN[word] if word in _PLAIN else described(getattr(models, word), more)

    fields, required = {}, set()
    for attribute, field in model._attribute_map.items():
        fields[field["key"]] = type_of(field["type"])
        if model._validation.get(attribute, {}).get("required"):
            required.add(field["key"])
    return shape(model.__name__, {**fields, **more.get(model.__name__, {})}, required)
