"""What the page shows is read as it stands there."""

import json
from pathlib import Path

import yaml

from holystone.adapters.retention_file.tag_list import tag_list
from holystone.policies.retention_data import file as whole
from holystone.policies.retention_data.entries import ENTRY_KEYS
from holystone.policies.retention_data.policies import POLICY_KEYS
from holystone.settings.retention_file import keep_entries
from tests.retention_file.conftest import Load
from tests.retention_file.pages import PAGE, example, fragments, keep_options
from tests.retention_file.test_bad_files import HEAD
from tests.support.retention_scenes import image, staying


def test_every_piece(load: Load) -> None:
    (piece,) = fragments()
    entries = "".join(f"  {line}\n" for line in piece.splitlines())
    text = f"{HEAD}clones: {{shop: /git}}\npolicies:\n- name: a\n  repositories: r.example/**\n  keep:\n{entries}"
    (policy,) = load(text).file.policies
    assert len(policy.keep) == len([line for line in piece.splitlines() if line.startswith("- ")])


def test_what_a_group_names_is_counted_as_the_page_says(load: Load) -> None:
    """A variant, a rebuild and what `git describe` adds are prereleases to SemVer."""
    (piece,) = fragments()
    entries = "".join(f"  {line}\n" for line in piece.splitlines())
    text = f"{HEAD}clones: {{shop: /git}}\npolicies:\n- name: a\n  repositories: r.example/**\n  keep:\n{entries}"
    (policy,) = load(text).file.policies
    variants, rebuilds, described = policy.keep[:3]
    names = [f"1.5.{patch}{variant}" for patch in range(3) for variant in ("", "-alpine")]
    assert staying(variants, *map(image, names)) == "1.5.1 1.5.1-alpine 1.5.2 1.5.2-alpine"
    dated = [image(f"3.2.1-202605{day:02}", 99 - day) for day in range(1, 13)]
    assert staying(rebuilds, *dated) == " ".join(f"3.2.1-202605{day:02}" for day in range(3, 13))
    builds = [image(f"v1.5.1-{number}-g1a2b3c4", 99 - number) for number in range(1, 13)]
    stay = staying(described, image("v1.5.1", 1), *builds).split()
    assert stay == sorted(f"v1.5.1-{number}-g1a2b3c4" for number in range(3, 13))


def test_every_keep_option() -> None:
    options = keep_options()
    assert len(options) == 4
    assert len(keep_entries(options, Path("/home/me"))) == 4


def test_every_key_is_explained() -> None:
    text = PAGE.read_text()
    said = {each.strip("`:,{}") for each in text.replace("(", " ").replace("|", " ").split()}
    keys = {*ENTRY_KEYS, *POLICY_KEYS, *whole.FILE_KEYS, *whole.IN_USE_KEYS, *whole.REGISTRY_KEYS, *whole.LOGIN}
    assert keys <= said


def test_the_list_that_it_shows() -> None:
    shown = PAGE.read_text().partition("$ cat tags.txt\n")[2].partition("    $ ")[0]
    images = tag_list(shown.replace("sha256:…", f"sha256:{'a' * 64}").encode(), "x")
    assert [image.tag for image in images] == ["v1.5.1", "v1.5.0", "latest"]


def test_other_parsers_read_the_example() -> None:
    assert json.dumps(yaml.safe_load(example()))
