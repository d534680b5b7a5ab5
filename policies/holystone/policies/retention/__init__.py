"""Retention: which tags of any repository stay, by rules that only ever keep."""
