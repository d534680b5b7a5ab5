"""Records of managed images: their names, their bytes, and which of them go."""

import pytest

from holystone.engine.errors import Refused, UsageError
from holystone.engine.model.delete_reasons import Asked
from holystone.engine.model.image_config import parse_config
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_MANIFEST, parse_manifest
from holystone.engine.model.plan import Kept, Plan, RepositoryPlan
from holystone.engine.model.reasons import Foreign, LockedBy, NotAsked, SharesDigestWith
from holystone.engine.model.references import ImageName, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.refusals import CloneWithoutBranches, RecordStays
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.report.causes import refusal
from holystone.workflows.managed_images import decide_removal, record_image, record_tag, refuse_what_stays
from tests.support.image_values import digest_of
from tests.support.notice_texts import notice_texts

STORAGE = Repository(RegistryHost("registry.example"), RepositoryPath("shop/stages"))


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("", "managed-image-__nameless__"),
        ("backend", "managed-image-backend"),
        ("a/b+c", "managed-image-a__slash__b__plus__c"),
        ("x" * 114, "managed-image-" + "x" * 114),
    ],
)
def test_tags(name: str, tag: str) -> None:
    assert record_tag(ImageName(name)) == tag


@pytest.mark.parametrize("name", ["Backend", "x" * 115, "a/" * 50, "a$b", "a b"])
def test_names_that_can_have_no_record(name: str) -> None:
    with pytest.raises(UsageError):
        record_tag(ImageName(name))


def test_records_are_images_without_layers_and_no_two_are_equal() -> None:
    digests = set()
    for name, project in (("a", "shop"), ("b", "shop"), ("a", None), ("", "shop")):
        for oci, media_type in ((False, DOCKER_MANIFEST), (True, OCI_MANIFEST)):
            raw, config = record_image(ImageName(name), project, oci=oci)
            manifest = parse_manifest(raw)
            assert (raw.media_type, manifest.layers_size, manifest.children) == (media_type, 0, ())
            assert manifest.config
            labels = parse_config(manifest.config, config).labels
            assert labels.get("werf") == project
            assert "werf-image" not in labels
            digests.add(raw.digest)
    assert len(digests) == 8
    assert record_image(ImageName("a"), "shop", oci=False) == record_image(ImageName("a"), "shop", oci=False)


def test_only_what_was_named_goes() -> None:
    tags = {Tag(tag): digest_of(tag) for tag in ("managed-image-a", "managed-image-b", "aaa-1", "latest")}
    snapshot = RepositorySnapshot(STORAGE, tags, {}, {}, {})
    decision = decide_removal(snapshot, [ImageName("a"), ImageName("none"), ImageName("")], 0)
    verdicts = decision.verdicts[STORAGE]
    assert verdicts.pop(Tag("managed-image-a")) == Delete((Asked(),))  # type: ignore[attr-defined]
    assert set(verdicts.values()) == {Keep((NotAsked(),))}
    assert notice_texts(decision.notices) == ("there is no record of image none", "there is no record of image ~")
    assert decision.facts[STORAGE].written_once == {"managed-image-a"}


def kept(*tags: Kept) -> Plan:
    return Plan(0, "managed-images rm", repositories=(RepositoryPlan(STORAGE, "default", (), tags, {}),))


def test_a_record_that_cannot_go_is_a_failure_and_no_refusal_of_a_promise() -> None:
    reason = SharesDigestWith(Tag("managed-image-b"))
    plan = kept(
        Kept(Tag("managed-image-a"), digest_of("a"), (reason,)),
        Kept(Tag("managed-image-__nameless__"), digest_of("a"), (LockedBy("immutable"),)),
        Kept(Tag("managed-image-b"), digest_of("a"), (Foreign(),)),
    )
    refused = refuse_what_stays(plan, [ImageName("a"), ImageName("")])
    assert [each.promise for each in refused.refusals] == ["cannot-go"] * 2
    error = refusal(refused)
    assert error
    assert error.exit_code == 1
    assert "image a cannot be removed: the registry cannot delete it without managed-image-b" in str(error)
    assert "image ~ cannot be removed: the registry does not delete it: immutable" in str(error)
    assert refuse_what_stays(plan, [ImageName("c")]) == plan


def test_a_promise_weighs_more_than_what_cannot_be_done() -> None:
    refusals = (
        RecordStays(STORAGE, ImageName("a"), LockedBy("immutable")),
        CloneWithoutBranches("/srv/shop"),
    )
    assert isinstance(refusal(Plan(0, "x", repositories=(), refusals=refusals)), Refused)
