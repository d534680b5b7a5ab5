"""Confirmation: a plan that no policy stands behind waits for a person, or for somebody who speaks for one."""

import msgspec

from holystone.engine.model.plan import Plan, Refusal


def open_question(plan: Plan) -> Refusal | None:
    """What has to be confirmed before the plan may be applied, if anything has."""
    return next((each for each in plan.refusals if each.promise == "confirmation"), None)


def ask_first(plan: Plan, phrase: str) -> Plan:
    """The plan with a question to answer first. `phrase` is what a person types to confirm: a name that is not typed by
    mistake."""
    if plan.is_empty:
        return plan
    asks = Refusal(
        promise="confirmation",
        repository=None,
        why="no policy stands behind this plan, and nobody has confirmed it yet",
        what_to_do="read it; if it is what you want, answer the question on a terminal, or add --yes",
        phrase=phrase,
    )
    return msgspec.structs.replace(plan, refusals=(*plan.refusals, asks))
