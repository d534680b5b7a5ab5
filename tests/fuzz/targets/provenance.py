"""What BuildKit attests of an image."""

from holystone.engine.model.manifests import Malformed
from holystone.engine.model.provenance import parse_provenance
from holystone.engine.model.references import Digest
from tests.support.attested import provenance

SEEDS = (
    provenance("v0.2", revision="a" * 40, fetched=["b" * 40]),
    provenance("v0.2", context={"sha1": "c" * 40}),
    provenance("v1", revision="d" * 40),
    provenance("v1", context={"sha1": "e" * 40}, fetched=["f" * 40]),
)


def parse(data: bytes) -> None:
    try:
        said = parse_provenance(Digest.of(data), data)
    except Malformed as error:
        str(error)
        return
    assert all(0 < len(each) <= 200 for each in said)
