"""Other tools' policies, converted and read back as a person's file is."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from holystone.adapters.retention_file.reader import retention_document
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Keep
from holystone.policies.retention.candidates import Candidate, Candidates, Facts, Moment
from holystone.policies.retention.judge import judge
from holystone.policies.retention.rules import Policy, policy_for
from holystone.policies.retention_data.converted import ConvertedFile, file_lines
from holystone.policies.retention_data.file import parse_file
from holystone.policies.retention_data.parts import Part
from holystone.settings.retention_file import plain_data

DAY: Final = 86_400
NOW: Final = 1_796_083_200
WHERE: Final = "r.example/shop"
Converter = Callable[[Part, str | None], ConvertedFile]


class Image(NamedTuple):
    tags: tuple[str, ...]
    days: float
    """Since it was pushed."""
    pulled: float | None = None
    """Days since it was pulled; None: never."""


def converted(convert: Converter, document: Any, where: str | None = WHERE) -> ConvertedFile:
    return convert(Part(plain_data(retention_document(json.dumps(document).encode(), "policy.json"))), where)


def read_back(file: ConvertedFile) -> tuple[Policy, ...]:
    text = "\n".join(file_lines(file))
    return parse_file(Part(plain_data(retention_document(text.encode(), "x"))), lambda _: ()).policies


def kept(policies: Sequence[Policy], images: Iterable[Image], path: str = "shop") -> set[str]:
    """The tags that stay in a repository."""
    repository = Repository(RegistryHost("r.example"), RepositoryPath(path))
    candidates = tuple(_candidate(tag, image) for image in images for tag in image.tags)
    policy = policy_for(policies, repository)
    if policy is None:
        return {each.tag for each in candidates}
    verdicts = judge(policy, Candidates(repository, candidates, tells_pulls=True), Facts(NOW)).verdicts
    return {tag for tag, verdict in verdicts.items() if isinstance(verdict, Keep)}


def _candidate(tag: str, image: Image) -> Candidate:
    used = image.days if image.pulled is None else image.pulled
    pushed = _ago(image.days)
    return Candidate(Tag(tag), Digest.of(repr(image).encode()), pushed, created=pushed, pulled=_ago(used))


def _ago(days: float) -> Moment:
    return Moment(NOW - int(days * DAY), "tag-pushed")


def last_words(file: ConvertedFile) -> list[str]:
    """What is said last of each entry: whether it is the same."""
    return [each.comments[-1] for policy in file.policies for each in policy.keep]
