"""What plans and the journal are made of."""

import msgspec


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Read back strictly: a field that is not known was written by a newer version, which meant something by it, or by
    somebody else."""
