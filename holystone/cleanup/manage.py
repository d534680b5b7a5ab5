"""`managed-images ls` and `add`: what they do, and what they say of it."""

from holystone.cleanup import output
from holystone.cleanup.locate import storage_repository
from holystone.cleanup.managed_images import add_managed, list_managed
from holystone.cleanup.session import Session
from holystone.engine.errors import HolystoneError
from holystone.engine.model.codec import to_json
from holystone.engine.model.references import ImageName
from holystone.engine.report.document import Document, Ending
from holystone.settings.project import known_project
from holystone.settings.values import DirectSettings


async def show_managed(session: Session, settings: DirectSettings) -> int:
    """The exit code. Raises HolystoneError."""
    _say(settings, *settings.notes)
    images = await list_managed(session.connections, settings.places)
    if images is None:
        _say(settings, f"{storage_repository(settings.places)} does not exist in the registry: no image is managed")
    names = tuple(image.shown for image in images or ())
    if settings.run.output == "json":
        output.document(to_json(Document("managed-images ls", "done", 0, managed_images=names)))
    elif names:
        output.report(*names)
    return 0


async def manage(session: Session, settings: DirectSettings, image: ImageName) -> int:
    """The exit code. Raises HolystoneError."""
    _say(settings, *settings.notes)
    dry_run = settings.run.dry_run
    is_new = await add_managed(session.connections, settings.places, image, await _project(settings), dry_run=dry_run)
    ending: Ending = "nothing-to-do" if not is_new else "planned" if dry_run else "done"
    said = {
        "nothing-to-do": "is managed already: there is nothing to do",
        "planned": "is not managed yet and would be; nothing was changed",
        "done": "is managed now",
    }
    what = f"{storage_repository(settings.places)}: image {image.shown} {said[ending]}"
    try:
        if settings.run.output == "json":
            output.document(to_json(Document("managed-images add", ending, 0)))
        elif ending != "done" or settings.log.level != "quiet":
            output.report(f"{what}.")
    except output.Unwritten as unwritten:
        raise unwritten.after(what) from unwritten
    return 0


async def _project(settings: DirectSettings) -> str | None:
    """For a label that nobody reads, so whatever is wrong with werf.yaml does not matter here."""
    try:
        return (await known_project(settings.project)).name
    except HolystoneError:
        return None


def _say(settings: DirectSettings, *notes: str) -> None:
    for text in notes if settings.log.level != "quiet" else ():
        output.tell(f"holystone: note: {text}")
