"""AV1 by SVT-AV1, through PyAV: where it is there and works, the better codec."""


def available() -> bool:
    """Tell whether a picture was encoded as AV1 and decoded; tried once, then known."""
    raise NotImplementedError
