from voip.media.rtp import HEADER_BYTES
from voip.media.video.limits import MAX_PAYLOAD_BYTES

IPV6_AND_UDP = 40 + 8
SRTP_TAG = 16
TURN_CHANNEL = 4
REPEAT = 2  # RFC 4588: the original sequence number


def test_the_largest_packet_passes_every_ipv6_path() -> None:
    outside = IPV6_AND_UDP + TURN_CHANNEL + HEADER_BYTES + REPEAT + SRTP_TAG

    assert outside + MAX_PAYLOAD_BYTES <= 1280
