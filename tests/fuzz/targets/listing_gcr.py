"""Google's two lists: of /v2 with manifests, and of the Artifact Registry API."""

from holystone.adapters.registries.gcr.api import ArtifactRegistry
from holystone.adapters.registries.gcr.listing import read_rows
from holystone.adapters.registries.gcr.places import Image
from holystone.engine.errors import IncompleteSource
from tests.fuzz.scripted import LANE, REPOSITORY, Script, reply_of, run

_D = b"sha256:" + b"0" * 64
_IMAGE = b"projects/p/locations/us/repositories/r/packages/team%2Fapp/"
SEEDS = (
    b'{"child":[],"name":"team/app","tags":["v1"],"manifest":{"'
    + _D
    + b'":{"imageSizeBytes":"1","layerId":"","mediaType":'
    b'"application/vnd.oci.image.manifest.v1+json","tag":["v1"],"timeCreatedMs":"0","timeUploadedMs":"1790000000000"}}}',
    b'{"versions":[{"name":"' + _IMAGE + b"versions/" + _D + b'","createTime":"2026-11-29T05:06:41.123456Z","metadata":'
    b'{"mediaType":"a/b"}}],"nextPageToken":""}\n%%\n{"tags":[{"name":"'
    + _IMAGE
    + b'tags/v1","version":"'
    + _IMAGE
    + b"versions/"
    + _D
    + b'"}]}',
    b'403\n\n{"error":{"code":403,"message":"no","details":[{"reason":"SERVICE_DISABLED"}]}}',
)


def parse(data: bytes) -> None:
    try:
        rows = read_rows(REPOSITORY, reply_of(data))
        assert isinstance(rows.indexes, tuple)
        assert isinstance(rows.may_refer, tuple)
        assert isinstance(rows.pushed, dict)
    except IncompleteSource as error:
        str(error)
    run(ArtifactRegistry(Script(data).http, LANE).list(Image("p", "us", "r", "team/app")))
