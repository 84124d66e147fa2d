"""Why one mirror gave nothing."""


class MirrorError(Exception):
    """One mirror failed, for the reason in the message; the next one may do."""
