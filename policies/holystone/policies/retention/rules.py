"""Retention rules as values. Every rule keeps; nothing says "delete": what no entry keeps, goes."""

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

from holystone.engine.model.references import RegistryHost, Repository
from holystone.policies.keep_policies import KeepPolicy
from holystone.policies.retention.patterns import TagPattern
from holystone.policies.retention.repository_patterns import RepositoryPattern, any_matches

Seconds: TypeAlias = int
CloneName: TypeAlias = str
"""By which a file of policies calls a clone."""


class Prereleases(msgspec.Struct, frozen=True):
    """Which prereleases stay; any of what is said keeps one."""

    within: Seconds | None = None
    newest: int | None = None
    until_released: Seconds | None = None
    """Until their release is that old; as long as no tag that the entry matches is that release, they stay."""


class Semver(msgspec.Struct, frozen=True):
    """Chooses by version, highest first. Versions are read from the group `version` where the pattern has one, else
    from the whole tag. What differs only in build metadata is one version."""

    newest: int
    per: tuple[str, ...] = ()
    """`major` or `minor`, and named groups."""
    groups: int | None = None
    """Only so many groups, those of the highest releases."""
    prereleases: Prereleases | None = None
    """None: they all stay."""


class Thin(msgspec.Struct, frozen=True):
    """The newest of each of the last so many days (UTC), ISO weeks and calendar months that have an image; the parts
    add up."""

    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    which: Literal["last", "first"] = "last"


class CommitOf(msgspec.Struct, frozen=True):
    """Where the commit of an image is read from."""

    source: Literal["label", "group", "provenance"] = "label"
    """`provenance`: BuildKit's, which is attached to the image."""
    name: str = "org.opencontainers.image.revision"
    """Of the label (or annotation), or of the group; of provenance it means nothing."""


class CommitsOf(msgspec.Struct, frozen=True):
    """Images of commits that werf's keep policies select in a clone."""

    clone: CloneName
    keep_policies: tuple[KeepPolicy, ...]
    by: CommitOf = CommitOf()


class Mentioned(msgspec.Struct, frozen=True):
    """The tag as a whole word, or its digest, stands in a file of a branch head, or of what was one within that
    time."""

    clone: CloneName
    within: Seconds = 0


class Label(msgspec.Struct, frozen=True):
    name: str
    value: str | None = None
    """None: any."""


class Entry(msgspec.Struct, frozen=True):
    """Keeps a tag if all that is said holds. Those that count choose last: the limits of `commits_of` among what the
    others leave, then `newest`, `groups`, `semver` and `thin` among what is left, each for itself. What is in use, or
    kept by another entry, takes its place like any other."""

    tags: tuple[TagPattern, ...] | None = None
    """Any of them; the groups are those of the first that matches. None: every tag."""
    except_: tuple[TagPattern, ...] = ()
    """Tags that it is not about, whatever `tags` says."""
    branch_exists_in: CloneName | None = None
    """The group `branch` is a branch there."""
    branch_head_of: CloneName | None = None
    """The commit is the head of a branch there (of the group's, where the pattern has a group `branch`)."""
    commits_of: CommitsOf | None = None
    mentioned_in: Mentioned | None = None
    label: Label | None = None
    pushed_within: Seconds | None = None
    pulled_within: Seconds | None = None
    newest: int | None = None
    """By digest."""
    semver: Semver | None = None
    thin: Thin | None = None
    per: tuple[str, ...] = ()
    """Named groups, by which `newest` and `thin` count for themselves."""
    groups: int | None = None
    """Only so many groups, those with the newest members."""
    same_commit: bool = False
    """The commit is that of a tag that stays for another entry, or because it is in use."""
    commit: CommitOf = CommitOf()
    """For `same_commit` and `branch_head_of`."""
    with_siblings: bool = False
    """All other tags of what it keeps stay, too."""
    optional: bool = False
    """It may match nothing anywhere."""


class Policy(msgspec.Struct, frozen=True):
    name: str
    repositories: tuple[RepositoryPattern, ...]
    except_: tuple[RepositoryPattern, ...] = ()
    """Repositories that it is not about."""
    keep: tuple[Entry, ...] = ()
    """Nothing, where `keeps_nothing` is said."""
    keeps_nothing: bool = False
    may_empty: bool = False
    untagged_after: Seconds | None = None
    """None: manifests without a tag are left alone."""
    orphaned_after: Seconds | None = None
    """Of attached artifacts whose subject is gone; None: they are left alone."""
    times: Literal["pushed", "created"] = "pushed"
    """`created`: build times are meant, also where the registry tells when a tag was pushed."""
    immutable: tuple[TagPattern, ...] = ()
    """Tags that carry their content in their name, and are not looked up again while they are listed."""

    def __post_init__(self) -> None:
        """Raises ValueError where it is not said what stays."""
        if not self.keep and not self.keeps_nothing:
            raise ValueError(f"policy {self.name} keeps nothing; if that is meant, it says `keep: nothing`")
        if self.keep and self.keeps_nothing:
            raise ValueError(f"policy {self.name} keeps nothing, and has entries that keep")


class Clusters(msgspec.Struct, frozen=True):
    """Whose images are in use."""

    contexts: tuple[str, ...] | Literal["all", "none"]


Mode: TypeAlias = Literal["auto", "multirepo", "monorepo"]
"""How images are laid out."""


class WerfProject(msgspec.Struct, frozen=True, kw_only=True):
    """A werf 1.1 project that is cleaned in the same run. What is None or empty is as `cleanup` has it by default."""

    directory: str
    images_repo: str
    """An address."""
    stages_storage: str
    """An address, of a repository."""
    project_name: str = ""
    config: str = ""
    """A file that stands in for werf.yaml."""
    images_repo_mode: Mode = "auto"
    default_policies_include_main: bool = False
    git_history_v1_2: bool | None = None
    """Whether images without metadata go, too; said at all, it confirms that none having metadata is no mistake."""
    allow_git_shallow_clone: bool = False
    keep_stages_younger_than: Seconds | None = None

    @property
    def shown(self) -> str:
        """How people are told of it: by its folder, which is known where nothing else can be read."""
        return f"{self.directory} ({self.config})" if self.config else self.directory


class RegistryAccess(msgspec.Struct, frozen=True):
    """What an address does not say by itself."""

    implementation: str | None = None
    username: str | None = None
    """A reference: `env:NAME`, `file:PATH`."""
    password: str | None = None


class RetentionFile(msgspec.Struct, frozen=True):
    """All that a file says, includes resolved: what they hold stands before the file's own policies."""

    in_use: Clusters
    in_use_lists: tuple[str, ...]
    policies: tuple[Policy, ...]
    clones: Mapping[CloneName, str] = {}
    """Directories."""
    registries: Mapping[RegistryHost, RegistryAccess] = {}
    projects: tuple[WerfProject, ...] = ()


def policy_for(policies: Iterable[Policy], repository: Repository) -> Policy | None:
    """The first that is about it; None: none is, and it is left alone."""
    about = (
        each
        for each in policies
        if any_matches(each.repositories, repository) and not any_matches(each.except_, repository)
    )
    return next(about, None)
