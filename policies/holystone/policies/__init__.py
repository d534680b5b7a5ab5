"""Who stays: pure decisions over what was read. No I/O, no clock, no asyncio; equal inputs give equal verdicts."""
