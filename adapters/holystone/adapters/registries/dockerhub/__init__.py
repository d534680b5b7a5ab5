"""Docker Hub: tags are listed and deleted by the Hub API, manifests and configurations read from its registry."""

from holystone.adapters.registries.dockerhub.connect import connect
from holystone.adapters.registries.dockerhub.registry import DockerHubRegistry
from holystone.adapters.registries.dockerhub.sheet import SHEET

__all__ = ["SHEET", "DockerHubRegistry", "connect"]
