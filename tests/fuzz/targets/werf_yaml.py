"""A werf.yaml, and the policies in it."""

from collections.abc import Callable

from holystone.adapters.werf_yaml.sections import LocatedPolicies, policies_file, werf_config
from holystone.adapters.yaml.documents import decode, parse_documents
from holystone.engine.errors import HolystoneError
from holystone.engine.model.history import GitReference
from holystone.engine.model.references import Commit
from holystone.policies.keep_policies_data import PolicyError, parse_keep_policies

SEEDS = (
    b"""configVersion: 1
project: shop
cleanup:
  keepPolicies:
  - references: {tag: /.*/, limit: {last: 10, in: 168h, operator: Or}}
    imagesPerReference: {last: 2}
  - references: {branch: /^(main|release-.*)$/}
---
image: [front, back]
from: alpine
---
image: ~
<<: &x {from: alpine}
---
artifact: a
""",
    b"- references:\n    branch: main\n    limit: {in: 1h30m}\n",
    b"cleanup: {keepPolicies: [{references: {tag: 1.10}}]}\n",
)
_REFERENCE = GitReference("branch", "main", Commit("0" * 40), 1)


def parse(data: bytes) -> None:
    try:
        documents = parse_documents(decode(data, "werf.yaml"), "werf.yaml")
    except HolystoneError as error:
        str(error)
        return
    reads: tuple[Callable[[], LocatedPolicies | None], ...] = (
        lambda: werf_config(documents, "werf.yaml").keep_policies,
        lambda: policies_file(documents, "p.yaml"),
    )
    for read in reads:
        try:
            found = read()
        except HolystoneError as error:
            str(error)
            continue
        if found is None:
            continue
        try:
            policies = parse_keep_policies(found.data)
        except PolicyError as error:
            found.locate(error.path)
            str(error)
            continue
        for policy in policies:
            policy.references.matches(_REFERENCE)
            for limit in (policy.references.limit, policy.images_per_reference):
                if limit:
                    assert 0 <= limit.count([3, 2, 1], 4) <= 3
