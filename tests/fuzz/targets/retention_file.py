"""A file of retention policies, the tags that it lists, an entry of the command line, and a list to try them on."""

from holystone.adapters.retention_file.reader import retention_document
from holystone.adapters.retention_file.tag_column import tag_column
from holystone.adapters.retention_file.tag_list import tag_list
from holystone.engine.errors import HolystoneError
from holystone.policies.keep_policies_data import PolicyError
from holystone.policies.retention.patterns import matcher
from holystone.policies.retention.rules import Policy
from holystone.policies.retention_data.command_line import parse_keep_option
from holystone.policies.retention_data.entries import Beside
from holystone.policies.retention_data.file import parse_file, parse_included
from holystone.policies.retention_data.parts import Part
from holystone.policies.retention_data.tags import ListedTag
from holystone.settings.retention_file import plain_data

SEEDS = (
    b"""format: 1
registries: {r.example: {implementation: harbor, credentials: {username: env:U, password: file:/p}}}
in-use: {kubernetes: [prod], lists: [used]}
clones: {shop: /git}
policies:
- name: a
  repositories: r.example/shop/**
  except: ["**/cache", r.example/shop/?]
  keep:
  - {tags: "/^(?P<version>[0-9]+)-(?P<variant>[a-z]+)$/", semver: {newest: 5, per: [minor, variant], groups: 2}}
  - {tags: /^(?P<branch>.+)-x$/, branch-exists-in: shop, newest: 5, per: branch}
  - {commits-of: shop, by: label x, keep-policies: [{references: {branch: /.*/, limit: {in: 1h}}}]}
  - {tags: {file: pinned.csv}, optional: true}
  - {thin: {daily: 7, monthly: 2}, which: first, mentioned-in: shop, within: 3d}
  untagged: {after: 7d}
  immutable: /^[0-9a-f]+$/
- {name: b, repositories: "**", keep: nothing}
projects: [{directory: a, images-repo: r.example/i, stages-storage: r.example/s}]
include: {a.yaml: r.example/a/**}
""",
    b"format: 1\npolicies: [{name: a, repositories: r.example/a/*, keep: [{newest: 1}]}]\n",
    b"tags=/^v(?P<b>[0-9]{1,3})$/|x*,newest=3,per=b,label.name=a,label.value=b",
    b'v1,why\n# x\n"v2",\n',
    b"v1,2026-01-31T12:00:00Z\nv2,1769860800,sha256:" + b"a" * 64,
    b'["v1", {"tag": "v2", "time": 1769860800}]',
    b'{"name": "a", "tags": ["v1"]}',
)


def _listed(_: str) -> tuple[ListedTag, ...]:
    return (ListedTag("x:1", "v1"), ListedTag("x:2", "v*"))


def parse(data: bytes) -> None:
    text = data.decode(errors="replace")
    try:
        tag_column(data, "x")
    except ValueError as error:
        str(error)
    try:
        tag_list(data, "x")
    except HolystoneError as error:
        str(error)
    try:
        matcher(parse_keep_option(text, Beside(frozenset({"shop"}), _listed)).tags or ())("v1")
    except PolicyError as error:
        str(error)
    try:
        node = retention_document(data, "x")
    except HolystoneError as error:
        str(error)
        return
    part = Part(plain_data(node))
    policies: tuple[Policy, ...] = ()
    try:
        policies = parse_file(part, _listed).policies
        policies += parse_included(part, "r.example/a/**", frozenset(), _listed)
    except PolicyError as error:
        node.locate(error.path)
        str(error)
    for policy in policies:
        for entry in policy.keep:
            matcher(entry.tags or ())("v1")
