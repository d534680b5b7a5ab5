"""The commands about files of policies. They delete nothing, and ask no registry unless they are told to."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from holystone.adapters.retention_file.tag_list import read_tag_list
from holystone.cli.reading import Words, read_settings
from holystone.engine.errors import UsageError
from holystone.engine.model.references import InvalidName, Repository
from holystone.engine.names import parse_address, repository_of
from holystone.policies.retention_data.converted import file_lines
from holystone.settings import options as o
from holystone.settings.given import Given, GivenValue
from holystone.settings.retention_file import load_retention_file
from holystone.settings.run import resolve_journal
from holystone.settings.vendor_policy import converted_policy
from holystone.ui import output
from holystone.ui.policies import show_policies, show_trial
from holystone.workflows.policy_trial import chosen, policy_summaries, project_summaries, tried


def check_policies(file: Path, references: Sequence[str], given: Words) -> int:
    if references or Given(given, os.environ).flag(o.REGISTRIES):
        from holystone.cli.policy_check import check_in_registries

        return check_in_registries(file, references, given)
    settings = read_settings(resolve_journal, given)
    loaded = load_retention_file(file, Given(given, os.environ).home)
    policies = policy_summaries(loaded.file.policies, loaded.places)
    return show_policies(str(file), policies, project_summaries(loaded.file.projects), settings.run.output)


def try_policies(file: Path, given: Words) -> int:
    settings = read_settings(resolve_journal, given)
    said = Given(given, os.environ)
    loaded = load_retention_file(file, said.home)
    repository = _repository(said.filled(o.REPOSITORY))
    policy = chosen(loaded.file.policies, repository)
    tags = said.filled(o.TAGS)
    if tags is None:
        raise UsageError(f"{o.TAGS.flag} is missing: it names a list of tags", what_to_do="Give --tags LIST.")
    images = read_tag_list(None if tags.text == "-" else said.expanded(tags.text))
    trial = tried(policy, repository, images, loaded.places[policy.name], int(time.time()))
    return show_trial(trial, settings.run.output, every_tag=settings.log.level in ("verbose", "debug"))


def convert_policy(vendor: str, file: str, given: Words) -> int:
    read_settings(resolve_journal, given)
    converted = converted_policy(vendor, file, given.get(o.REPOSITORY.key))
    output.report_lines(file_lines(converted))
    return 0


def _repository(said: GivenValue | None) -> Repository | None:
    if said is None:
        return None
    try:
        return repository_of(parse_address(said.without_user_info().text)).canonical
    except InvalidName as error:
        raise UsageError(f"{said.source}: {error}") from error
