"""Amazon ECR: images by AWS's own API, configurations by the OCI distribution API."""

from holystone.adapters.registries.ecr.connect import connect
from holystone.adapters.registries.ecr.registry import EcrRegistry
from holystone.adapters.registries.ecr.sheet import SHEET

__all__ = ["SHEET", "EcrRegistry", "connect"]
