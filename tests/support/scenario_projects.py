"""The projects that whole runs clean: the large sample project with more signatures, and a middling one in which
every relation between manifests occurs and which is cleaned in a second or two."""

import random

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.large import tell_large_story
from holystone.demo.stages import Content
from holystone.engine.model.references import Commit

DAY = 86_400
LOST = Commit("0" * 40)


def tell_large(story: GitStory, composer: Composer, *, fallback: bool = True) -> None:
    """`fallback`: referrers have the tag that lists them where the registry has no referrers API."""
    tell_large_story(story, composer, seed=7)
    described = composer.described()
    signed = {extra.subject for extra in described.extras}
    rng = random.Random(7)
    for tag in rng.sample([tag for tag in described.tags if tag.digest not in signed], 16):
        composer.sign(tag, fallback=fallback, legacy=rng.random() < 0.5)


def tell_middling(story: GitStory, composer: Composer, *, nested: bool = True, signed: bool = True) -> None:
    """Two images, one of whose names begins with the other's. Of every three commits one changes nothing, so that
    several records are about the same content and, being equal images, have one digest.
    `nested`: an index in an index; `signed`: images have referrers. Some servers do not take them."""
    versions = 0

    def commit(branch: str, days: float, changes: bool = True) -> None:
        nonlocal versions
        versions += changes
        at = composer.now - int(days * DAY)
        made = story.commit(branch, f"Change {versions} of {branch}", at=at, files={"VERSION": f"{days}\n"})
        content = Content(dependencies=1 + versions // 5, code=versions)
        composer.publish("front", made, content, at=at + 60)
        composer.publish("frontend", made, content, at=at + 60, artifact=("assets", 1 + versions // 4))

    for number in range(27):
        commit("master", 155 - 5 * number, changes=number % 3 > 0)
        if number in (6, 15):
            story.tag(f"v{number}", story.head("master"), at=composer.now - (154 - 5 * number) * DAY)
    story.branch("feature/stale", start="master")
    for days in (15, 14, 13.5):
        commit("feature/stale", days)
    story.branch("feature/Live", start="master")
    for days in (3, 2, 1, 0.5):
        commit("feature/Live", days)
    # Of an image that is not wanted, built minutes ago: its stages are too young to go, and need old ones.
    composer.publish("frontend", LOST, Content(code=1_000), at=composer.now - 600, artifact=("assets", 1))
    composer.manage("front", "frontend")

    described = composer.described()
    fronts, frontends = described.tags_of("front"), described.tags_of("frontend")
    signed_tags = (fronts[0], fronts[3], frontends[1], frontends[-2], fronts[-1], fronts[10]) if signed else ()
    for number, tag in enumerate(signed_tags):
        composer.sign(tag, legacy=number % 2 == 0)
    composer.alias(fronts[1], "handmade")  # in a repository of several images that is nobody's, and a doomed digest
    composer.alias(frontends[-2], "handmade-too")
    composer.reject(described.stages[2].tag)
    composer.reject(described.stages[-1].tag)
    where = str(fronts[0].repository)
    composer.foreign(where, "latest", at=composer.now - 100 * DAY)
    composer.foreign(str(composer.stages_storage), "readme", at=composer.now - 100 * DAY)
    composer.multi_platform(where, "everywhere", at=composer.now - 90 * DAY)
    composer.multi_platform(where, "nested", at=composer.now - 80 * DAY, nested=nested)
