"""Pictures made smaller, cheaply: faces at half the size are still faces."""

from voip.media.sources import Picture


def shrink(picture: Picture, width: int, height: int) -> Picture:
    """Give the picture at the size asked for; sides are even. As it is, if it fits."""
    raise NotImplementedError
