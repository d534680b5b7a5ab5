"""The names of the implementations: the one list. A name here is an option's word and a package beside this module."""

from typing import Final

IMPLEMENTATIONS: Final = ("ecr", "acr", "default", "dockerhub", "gcr", "github", "gitlab", "harbor", "quay")
