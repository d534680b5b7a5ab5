"""Files of retention policies, and the lists of tags that they name: read and bounded, not yet understood."""
