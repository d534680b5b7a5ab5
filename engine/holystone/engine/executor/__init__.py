"""Carries out a plan, pass by pass: compares before it deletes, writes down before it sends, checks afterwards.
What was recorded of an earlier attempt is not done again, so that resuming is the same as beginning."""

from holystone.engine.executor.check import check_after
from holystone.engine.executor.results import CheckReport, RepositoryResult, RunResult
from holystone.engine.executor.run import execute_plan
from holystone.engine.model.outcomes import Loss

__all__ = ["CheckReport", "Loss", "RepositoryResult", "RunResult", "check_after", "execute_plan"]
