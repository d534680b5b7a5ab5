"""Amazon's list of images, and its errors."""

from holystone.adapters.registries.ecr.api import EcrApi
from holystone.adapters.registries.ecr.errors import ApiError
from holystone.adapters.registries.ecr.listing import list_images
from tests.fuzz.scripted import LANE, REPOSITORY, Script, run

_IMAGE = (
    b'{"imageDigest":"sha256:' + b"0" * 64 + b'","imageTags":["v1"],"imagePushedAt":1.79E9,"imageManifestMediaType":'
    b'"application/vnd.oci.image.manifest.v1+json","imageStatus":"ARCHIVED","subjectManifestDigest":null}'
)
SEEDS = (
    b'{"imageDetails":[' + _IMAGE + b'],"nextToken":"x"}\n%%\n{"imageDetails":[]}',
    b'400\n\n{"__type":"RepositoryNotFoundException","message":"no"}',
)


def parse(data: bytes) -> None:
    try:
        run(list_images(EcrApi(Script(data).http, None, "nowhere"), LANE, REPOSITORY))
    except ApiError as error:
        str(error)
