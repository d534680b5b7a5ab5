"""Asks a person before a plan is carried out that no policy stands behind: what is asked, what counts as yes, and the
terminal around both."""

import sys
from collections.abc import Iterator

import anyio

from holystone.engine.errors import NOTHING_DELETED, HolystoneError, Refused
from holystone.engine.model.plan import Plan, Remove, RepositoryPlan
from holystone.engine.model.refusals import Unconfirmed
from holystone.engine.report.notice_words import notice_words, notices_in_order
from holystone.engine.report.words import count, size_text
from holystone.ui.message import end_question, put_question
from holystone.ui.output import can_ask


def question(plan: Plan, asked: Unconfirmed) -> Iterator[str]:
    """The question as it is put on a terminal, line by line: the plan in short, and what to type."""
    yield f"holystone: {plan.command} deletes this, and no policy is asked who needs it:"
    yield from (f"  {_summary(each)}" for each in plan.repositories if each.passes)
    yield from (f"  note: {notice_words(notice).of_one}" for notice in notices_in_order(plan.notices))
    yield f"Type {asked.phrase} to delete it, anything else to leave it: "


def _summary(plan: RepositoryPlan) -> str:
    size = sum(step.size for step in plan.steps if isinstance(step, Remove))
    stay = f"; {len(plan.kept):,} stay" if plan.kept else ""
    return f"{plan.repository}: {count(len(plan.doomed_tags), 'tag')}, at most {size_text(size)}{stay}"


def is_yes(answer: str, asked: Unconfirmed) -> bool:
    """The whole phrase and nothing else; blanks around it are no part of an answer."""
    return bool(asked.phrase) and answer.strip() == asked.phrase


async def ask(plan: Plan, asked: Unconfirmed) -> HolystoneError | None:
    """Asks a person: None once they have said yes, else why not. The question goes to standard error, because standard
    output is the report's."""
    if not can_ask():
        return Refused(
            f"{plan.command} has to be confirmed, and there is no terminal to ask on.",
            not_deleted=NOTHING_DELETED,
            what_to_do="Read the plan; if it is what you want, run again with --yes.",
        )
    put_question(question(plan, asked))
    await anyio.wait_readable(sys.stdin)  # a thread that reads could not be cancelled by Ctrl-C
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        end_question()  # by Ctrl-D
    if is_yes(answer, asked):
        return None
    return Refused(f"The answer was not {asked.phrase}.", not_deleted=NOTHING_DELETED)
