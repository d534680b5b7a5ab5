"""Frozen values that carry the meaning of a run. No I/O, no clock, no asyncio."""
