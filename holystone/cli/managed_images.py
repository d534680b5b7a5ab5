"""`managed-images ls` and `add`: what is said of them."""

from holystone.api.client import Client
from holystone.engine.model.references import ImageName
from holystone.engine.report.document import Ending
from holystone.settings.values import DirectSettings
from holystone.ui.reporter import Reporter
from holystone.workflows.locate import storage_repository


async def show_managed(client: Client, settings: DirectSettings, reporter: Reporter) -> int:
    """The exit code. Raises HolystoneError."""
    for each in settings.notes:
        reporter.note(each)
    images = await client.managed_images()
    if images is None:
        reporter.note(f"{storage_repository(settings.places)} does not exist in the registry: no image is managed")
    reporter.managed([image.shown for image in images or ()])
    return 0


async def add_managed(client: Client, settings: DirectSettings, reporter: Reporter, image: ImageName) -> int:
    """The exit code. Raises HolystoneError."""
    for each in settings.notes:
        reporter.note(each)
    is_new = await client.add_managed_image(image)
    ending: Ending = "nothing-to-do" if not is_new else "planned" if settings.run.dry_run else "done"
    said = {
        "nothing-to-do": "is managed already: there is nothing to do",
        "planned": "is not managed yet and would be; nothing was changed",
        "done": "is managed now",
    }
    what = f"{storage_repository(settings.places)}: image {image.shown} {said[ending]}"
    reporter.done("managed-images add", f"{what}.", ending)
    return 0
