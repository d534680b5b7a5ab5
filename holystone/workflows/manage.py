"""`managed-images ls` and `add`: what they do, and what they say of it."""

from holystone.engine.errors import HolystoneError
from holystone.engine.model.references import ImageName
from holystone.engine.report.document import Ending
from holystone.settings.project import known_project
from holystone.settings.values import DirectSettings
from holystone.workflows.locate import storage_repository
from holystone.workflows.managed_images import add_managed, list_managed
from holystone.workflows.session import Session
from holystone.workflows.telling import Reporter


async def show_managed(session: Session, settings: DirectSettings, reporter: Reporter) -> int:
    """The exit code. Raises HolystoneError."""
    for each in settings.notes:
        reporter.note(each)
    images = await list_managed(session.connections, settings.places)
    if images is None:
        reporter.note(f"{storage_repository(settings.places)} does not exist in the registry: no image is managed")
    reporter.managed([image.shown for image in images or ()])
    return 0


async def manage(session: Session, settings: DirectSettings, reporter: Reporter, image: ImageName) -> int:
    """The exit code. Raises HolystoneError."""
    for each in settings.notes:
        reporter.note(each)
    dry_run = settings.run.dry_run
    is_new = await add_managed(session.connections, settings.places, image, await _project(settings), dry_run=dry_run)
    ending: Ending = "nothing-to-do" if not is_new else "planned" if dry_run else "done"
    said = {
        "nothing-to-do": "is managed already: there is nothing to do",
        "planned": "is not managed yet and would be; nothing was changed",
        "done": "is managed now",
    }
    what = f"{storage_repository(settings.places)}: image {image.shown} {said[ending]}"
    reporter.done("managed-images add", f"{what}.", ending)
    return 0


async def _project(settings: DirectSettings) -> str | None:
    """The project's name for a label that nobody reads, so whatever is wrong with werf.yaml does not matter here."""
    try:
        return (await known_project(settings.project)).name
    except HolystoneError:
        return None
