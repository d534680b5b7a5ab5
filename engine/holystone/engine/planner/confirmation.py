"""Confirmation: a plan that no policy stands behind waits for a person, or for somebody who speaks for one."""

import msgspec

from holystone.engine.model.plan import Plan
from holystone.engine.model.refusals import Unconfirmed


def open_question(plan: Plan) -> Unconfirmed | None:
    """What has to be confirmed before the plan may be applied, if anything has."""
    return next((each for each in plan.refusals if isinstance(each, Unconfirmed)), None)


def ask_first(plan: Plan, phrase: str) -> Plan:
    """The plan with a question to answer first. `phrase` is what a person types to confirm: a name that is not typed by
    mistake."""
    if plan.is_empty:
        return plan
    return msgspec.structs.replace(plan, refusals=(*plan.refusals, Unconfirmed(phrase)))
