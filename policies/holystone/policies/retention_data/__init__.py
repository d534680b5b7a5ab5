"""Retention rules from plain data, as a file or a command line has them: strictly, and nothing guessed."""
