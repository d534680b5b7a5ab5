"""What goes without a verdict on a tag of its own: manifests without a tag, and artifacts whose subject is gone."""

from collections.abc import Iterable, Mapping

from holystone.engine.model.delete_reasons import LooseReason
from holystone.engine.model.policy_reasons import Orphaned, Untagged
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, LooseVerdicts
from holystone.policies.retention.candidates import AttachedTag, Facts, LooseManifest, Moment
from holystone.policies.retention.moments import sane
from holystone.policies.retention.rules import Policy, Seconds


def loose_that_go(policy: Policy, loose: Iterable[LooseManifest], facts: Facts) -> LooseVerdicts:
    found: dict[Digest, LooseReason] = {}
    for each in sorted(loose, key=lambda each: each.digest):
        after = policy.untagged_after if each.subject is None else policy.orphaned_after
        if each.digest in facts.loose_in_use:
            continue
        if after is None or (age := _age(each.found, facts.now)) is None or age <= after:
            continue
        found[each.digest] = Untagged(age, after) if each.subject is None else Orphaned(each.subject, age, after)
    return found


def orphans_that_go(policy: Policy, attached: Iterable[AttachedTag], facts: Facts) -> Mapping[Tag, Delete]:
    after: Seconds | None = policy.orphaned_after
    if after is None:
        return {}
    return {
        each.tag: Delete((Orphaned(each.subject, age, after),))
        for each in attached
        if not each.subject_is_there and each.tag not in facts.in_use
        if (age := _age(each.found, facts.now)) is not None and age > after
    }


def _age(found: Moment | None, now: int) -> Seconds | None:
    moment = sane(found, now)
    return None if moment is None else now - moment.seconds
