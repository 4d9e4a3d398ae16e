"""How large a packet and a frame of pictures may be, and the clock that stamps them."""

CLOCK_RATE = 90_000  # Hz; RFC 7741 §4.1 and the AV1 payload format §4.1 ask for it
MAX_PAYLOAD_BYTES = 1140
"""Of a packet that we send: with SRTP, a TURN channel and IPv6 it makes 1220 bytes,
under the 1280 that every IPv6 path carries (RFC 8200 §5)."""
SMALL_PAYLOAD_BYTES = 600
"""Of a packet that we send at less than `NARROW_BPS`: a full one takes 32 ms of a path
of 300 kbit/s, and sound behind it waits."""
NARROW_BPS = 600_000
MAX_FRAME_BYTES = 512_000
"""Of one frame: a key frame of 1920x1080 takes less than half of it."""
