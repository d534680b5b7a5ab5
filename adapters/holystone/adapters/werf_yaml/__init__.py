"""Reads what a project's werf.yaml says about its cleanup: project name, image names, keep policies."""
