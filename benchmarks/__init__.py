"""Measures what Holystone claims, each time against a reference that runs beside it on the same machine."""
