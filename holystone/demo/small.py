"""The story of `holystone demo`: a small shop of three images, half a year of work, for people who never saw werf."""

from typing import Final

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.stages import Content
from holystone.engine.model.references import Commit

DAY: Final = 86_400

WERF_YAML: Final = """\
configVersion: 1
project: {project}
---
image: backend
from: alpine:3.12
---
image: front
from: alpine:3.12
---
image: frontend
from: alpine:3.12
import:
- artifact: assets
  add: /dist
  to: /app
  after: install
---
artifact: assets
from: node:14
"""


def tell_small_story(story: GitStory, composer: Composer) -> None:
    """Two dozen commits: work on master with three releases, a feature that was merged, one that was given up, a
    staging branch that lives."""
    teller = _Teller(story, composer)
    teller.commit("master", "Lay the keel", 180)
    for day, message in ((170, "Serve the first page"), (150, "Add a basket"), (140, "Sell something")):
        teller.commit("master", message, day)
    story.tag("v1.0.0", story.head("master"), at=composer.now - 140 * DAY)

    story.branch("feature/login", start="master")
    for day, message in ((130, "Ask for a name"), (128, "Ask for a password"), (125, "Forget passwords again")):
        teller.commit("feature/login", message, day)
    story.merge("feature/login", "master", at=composer.now - 120 * DAY)
    story.delete_branch("feature/login")
    teller.commit("master", "Say hello to whoever logged in", 118)

    story.branch("feature/old-idea", start="master")
    for day, message in ((110, "Sell advice, too"), (108, "Advise on selling")):
        teller.commit("feature/old-idea", message, day)

    for day, message in ((90, "Count the stock"), (80, "Mend the counting"), (70, "Print labels")):
        teller.commit("master", message, day)
    story.tag("v1.1.0", story.head("master"), at=composer.now - 69 * DAY)
    for day, message in (
        (50, "Larger labels"),
        (40, "Smaller labels"),
        (30, "Labels as they were"),
        (20, "Paper, too"),
    ):
        teller.commit("master", message, day)
    story.tag("v2.0.0", story.head("master"))
    for day, message in ((12, "Ship abroad"), (6, "Customs forms"), (4, "Customs forms that fit")):
        teller.commit("master", message, day)

    story.branch("staging", start="master")
    for day, message in ((3, "Try another checkout"), (2, "Repair the other checkout"), (1, "Polish it")):
        teller.commit("staging", message, day)

    composer.manage("backend", "front", "frontend")
    composer.foreign(str(composer.stages_storage), "readme", at=composer.now - 100 * DAY)


class _Teller:
    """Every commit changes the code of all images; each is published when it is committed."""

    def __init__(self, story: GitStory, composer: Composer) -> None:
        self._story = story
        self._composer = composer
        self._commits = 0

    def commit(self, branch: str, message: str, days_ago: int) -> Commit:
        at = self._composer.now - days_ago * DAY
        self._commits += 1
        files = {"werf.yaml": WERF_YAML.format(project=self._composer.project), "VERSION": f"{self._commits}\n"}
        commit = self._story.commit(branch, message, at=at, files=files)
        # The base changes rarely, dependencies now and then: so later images share stages with earlier ones.
        content = Content(base=1, dependencies=1 + self._commits // 6, code=self._commits)
        built = at + 600  # ten minutes after the commit
        for image in ("backend", "front"):
            self._composer.publish(image, commit, content, at=built)
        self._composer.publish("frontend", commit, content, at=built, artifact=("assets", 1 + self._commits // 4))
        return commit
