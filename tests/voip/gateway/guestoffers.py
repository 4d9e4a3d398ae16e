"""A browser's offer, as Chromium writes one, for tests of what is made of it."""

from voip.description import Kind
from voip.gateway.guests.sdp import GuestOffer, format_fingerprint, parse_offer

BOUND = bytes(range(32))
OFFER = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS
m=audio 38213 UDP/TLS/RTP/SAVPF 111 63
c=IN IP4 192.0.2.1
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:211 1 udp 2122260223 192.0.2.1 38213 typ host generation 0 network-id 1
a=candidate:212 1 udp 2122194687 0b9c1f4e-aaaa.local 38214 typ host generation 0
a=candidate:213 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0
a=candidate:214 1 UDP 1686052607 198.51.100.1 4000 typ srflx raddr 0.0.0.0 rport 0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=ice-options:trickle
a=fingerprint:sha-256 {format_fingerprint(BOUND)}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:- b8
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=ssrc:1001 cname:9a
a=ssrc:1001 msid:- b8
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=fingerprint:sha-256 {format_fingerprint(BOUND)}
a=setup:actpass
a=mid:1
a=sendrecv
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=ssrc-group:FID 2001 2002
a=ssrc:2001 cname:9a
a=ssrc:2002 cname:9a
""".replace("\n", "\r\n")
SECTION = OFFER[OFFER.index("m=video") :]
BOTH = {Kind.AUDIO, Kind.VIDEO}


def parsed(text: str = OFFER) -> GuestOffer:
    return parse_offer(text, BOUND)


def changed(old: str, new: str, times: int = -1) -> str:
    assert old in OFFER
    return OFFER.replace(old, new, times)
