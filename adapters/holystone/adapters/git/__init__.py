"""Reads branches, tags and commits of the project's clone, and says when the clone lacks some of them."""
