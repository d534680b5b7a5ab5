"""One cleanup, purge or undo from beginning to end: connect, read, decide, plan, carry out. Values in, values and
events out: what is shown, asked and told is for whoever starts it."""
