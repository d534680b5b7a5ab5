"""One cleanup from beginning to end: connect, read, decide, plan, apply. The only room that knows all others."""
