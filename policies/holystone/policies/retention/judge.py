"""Which tags of a repository stay by a policy. An entry keeps a tag if all that it asks for holds; a tag that an entry
cannot judge stays, too; what no entry keeps, goes.

Entries are judged each for itself: an image that one entry keeps, or that is in use, takes its place in the others.
"""

from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Verdict
from holystone.policies.retention.candidates import Candidates, Facts
from holystone.policies.retention.cautions import notices_of, refusals_of
from holystone.policies.retention.entries import judge_entries
from holystone.policies.retention.judgement import Judgement
from holystone.policies.retention.leftovers import loose_that_go, orphans_that_go
from holystone.policies.retention.rules import Policy
from holystone.policies.retention.sight import look
from holystone.policies.retention.votes import Votes


def judge(policy: Policy, candidates: Candidates, facts: Facts) -> Judgement:
    sight = look(policy, candidates, facts)
    votes = Votes(sight)
    for number, said in judge_entries(sight):
        votes.add(number, said)
    verdicts: dict[Tag, Verdict] = votes.verdicts()
    verdicts |= orphans_that_go(policy, candidates.attached, facts)
    verdicts = dict(sorted(verdicts.items()))
    return Judgement(
        verdicts=verdicts,
        entries=votes.tallies(),
        loose=loose_that_go(policy, candidates.loose, facts),
        refusals=refusals_of(candidates, sight, verdicts),
        notices=notices_of(candidates.repository, verdicts),
    )
