"""Reads repositories completely into immutable snapshots, and remembers for ever what was read by digest."""
