"""Turns verdicts about tags into what must stay and what may go: everything that a kept tag needs is kept, and
what only doomed tags held is put in the order in which it can be deleted. Pure."""
