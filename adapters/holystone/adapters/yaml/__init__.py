"""YAML with positions, for messages that name file, line and key."""
