"""The JSON Schema of a file of policies, for editors and for whoever writes such files by program.

It says what can be said of one value by itself. What hangs on another one (a group that an expression must have, a
clone that must be there, two policies of one name) the reader alone refuses.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from holystone.policies.retention_data.counting import PRERELEASE_KEYS, SEMVER_KEYS, THIN_KEYS
from holystone.policies.retention_data.entries import ENTRY_KEYS, GOES_WITH, KEEPING
from holystone.policies.retention_data.file import (
    FILE_KEYS,
    IN_USE_KEYS,
    INCLUDED_KEYS,
    LOGIN,
    MOST_POLICIES,
    REGISTRY_KEYS,
    WORK,
)
from holystone.policies.retention_data.parts import LONGEST, MOST_ITEMS
from holystone.policies.retention_data.policies import MOST_ENTRIES, NEEDED, NOTHING, POLICY_KEYS
from holystone.policies.retention_data.projects import MODES, PROJECT_KEYS, V1_2
from holystone.policies.retention_data.projects import NEEDED as NEEDED_OF_PROJECT

Schema: TypeAlias = dict[str, Any]

_COUNT: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
_TRUTH: Final[Schema] = {"type": "boolean"}
_DURATION: Final[Schema] = {"type": "string", "pattern": "^[1-9][0-9]{0,5}[hdw]$"}
_NAME: Final[Schema] = {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": LONGEST}
"""What YAML takes for a number or a truth is a name as it is written."""
_TAG: Final[Schema] = {
    **_NAME,
    "anyOf": [
        {"pattern": r"^[A-Za-z0-9_*?][A-Za-z0-9_.*?-]*$"},
        {"pattern": r"^/(\(\?[imsU-]+\))?\^(.|\n)*\$/$"},
    ],
}
_REPOSITORY: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
_REFERENCE: Final[Schema] = {"type": "string", "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"}
_PREFIX: Final[Schema] = {"type": "string", "pattern": r"^[^*?]+/\*\*$"}
_BY: Final[Schema] = {"type": "string", "pattern": "^((label|group) [^ ]+|provenance)$"}


def retention_schema(implementations: Iterable[str]) -> Schema:
    """The schema of a file, and of one that is included. `implementations`: of registries, by their names."""
    kinds = [
        {"required": ["in-use"], "anyOf": [{"required": [key]} for key in WORK]},
        {"required": ["policies"], "properties": {key: False for key in FILE_KEYS if key not in INCLUDED_KEYS}},
    ]
    values = {
        "format": {"const": 1},
        "registries": _named(_object(REGISTRY_KEYS, _registry(implementations))),
        "in-use": _object(IN_USE_KEYS, {"kubernetes": _clusters(), "lists": _list(_NAME)}, ["kubernetes"]),
        "clones": _named(_NAME),
        "policies": _list({"$ref": "#/$defs/policy"}, MOST_POLICIES),
        "projects": _list(_project()),
        "include": _named(_PREFIX),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Retention policies of Holystone",
        **_object(FILE_KEYS, values, ["format"]),
        "anyOf": kinds,
        "$defs": {"policy": _policy(), "entry": _entry(), "keep-policy": _keep_policy()},
    }


def _registry(implementations: Iterable[str]) -> Schema:
    return {
        "implementation": {"enum": list(implementations)},
        "credentials": _object(tuple(LOGIN), dict.fromkeys(LOGIN, _REFERENCE), LOGIN),
    }


def _clusters() -> Schema:
    return {"anyOf": [{"enum": ["all", "none"]}, _list(_NAME)]}


def _project() -> Schema:
    values = {
        **dict.fromkeys(PROJECT_KEYS, _NAME),
        **dict.fromkeys(("default-policies-include-main", V1_2, "allow-git-shallow-clone"), _TRUTH),
        "images-repo-mode": {"enum": list(MODES)},
        "keep-stages-younger-than": _DURATION,
    }
    return _object(PROJECT_KEYS, values, NEEDED_OF_PROJECT)


def _policy() -> Schema:
    after = _object(("after",), {"after": _DURATION}, ["after"])
    values = {
        "name": _NAME,
        "repositories": _one_or_more(_REPOSITORY),
        "except": _one_or_more(_REPOSITORY),
        "keep": {"anyOf": [{"const": NOTHING}, _list({"$ref": "#/$defs/entry"}, MOST_ENTRIES)]},
        "untagged": after,
        "orphaned": after,
        "times": {"enum": ["pushed", "created"]},
        "immutable": _tags(),
        "may-empty": _TRUTH,
    }
    return _object(POLICY_KEYS, values, NEEDED)


def _entry() -> Schema:
    values = {
        "tags": _tags(),
        "except": _tags(),
        "branch-exists-in": _NAME,
        "branch-head-of": _NAME,
        "commits-of": _NAME,
        "by": _BY,
        "keep-policies": _list({"$ref": "#/$defs/keep-policy"}, 100),
        "mentioned-in": _NAME,
        "within": _DURATION,
        "label": _object(("name", "value"), {"name": _NAME, "value": _NAME}, ["name"]),
        "pushed-within": _DURATION,
        "pulled-within": _DURATION,
        "newest": _COUNT,
        "semver": _semver(),
        "thin": _object(THIN_KEYS, dict.fromkeys(THIN_KEYS, _COUNT)),
        "which": {"enum": ["first", "last"]},
        "per": _one_or_more(_NAME, 10),
        "groups": _COUNT,
        "same-commit": _TRUTH,
        "with-siblings": _TRUTH,
        "optional": _TRUTH,
    }
    company = {key: {"anyOf": [{"required": [other]} for other in others]} for key, others in GOES_WITH.items()}
    return {
        **_object(ENTRY_KEYS, values),
        "anyOf": [{"required": [key]} for key in KEEPING],
        "dependentSchemas": {**company, "commits-of": {"required": ["keep-policies"]}},
    }


def _semver() -> Schema:
    prereleases = {"newest": _COUNT, "until-released": _DURATION}
    values = {
        "newest": _COUNT,
        "per": _one_or_more(_NAME, 10),
        "groups": _COUNT,
        "prereleases-within": _DURATION,
        "prereleases": _object(PRERELEASE_KEYS, prereleases),
    }
    return {**_object(SEMVER_KEYS, values, ["newest"]), "dependentRequired": {"groups": ["per"]}}


def _keep_policy() -> Schema:
    """A keep policy in werf's own words."""
    keys = ("last", "in", "operator")
    limit = _object(
        keys,
        {
            "last": {"type": "integer", "minimum": -1},
            "in": {"type": ["string", "integer"]},
            "operator": {"enum": ["And", "Or"]},
        },
    )
    references = _object(
        ("branch", "tag", "limit"),
        {"branch": _NAME, "tag": _NAME, "limit": limit},
    )
    references["oneOf"] = [{"required": ["branch"]}, {"required": ["tag"]}]
    return _object(
        ("references", "imagesPerReference"),
        {"references": references, "imagesPerReference": limit},
        ["references"],
    )


def _tags() -> Schema:
    return {"anyOf": [*_one_or_more(_TAG)["anyOf"], _object(("file",), {"file": _NAME}, ["file"])]}


def _object(keys: tuple[str, ...], values: Mapping[str, Any], required: Iterable[str] = ()) -> Schema:
    return {
        "type": "object",
        "properties": {key: values[key] for key in keys},
        "additionalProperties": False,
        "minProperties": 1,
        "required": list(required),
    }


def _named(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value, "minProperties": 1}


def _list(item: Schema, most: int = MOST_ITEMS) -> Schema:
    return {"type": "array", "items": item, "minItems": 1, "maxItems": most}


def _one_or_more(item: Schema, most: int = MOST_ITEMS) -> Schema:
    return {"anyOf": [item, _list(item, most)]}
