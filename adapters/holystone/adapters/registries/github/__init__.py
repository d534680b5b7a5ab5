"""The implementation `github`: GitHub Packages on ghcr.io, on ghe.com and on GitHub Enterprise Server."""

from holystone.adapters.registries.github.connect import connect
from holystone.adapters.registries.github.docker import GithubDockerRegistry
from holystone.adapters.registries.github.registry import GithubRegistry
from holystone.adapters.registries.github.sheet import SHEET

__all__ = ["SHEET", "GithubDockerRegistry", "GithubRegistry", "connect"]
