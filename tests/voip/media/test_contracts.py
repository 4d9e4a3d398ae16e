"""The private names of aiortc, aioice and PyAV that the media stands on.

An upgrade that moves one fails here, with its name, and not in a call.
"""

import inspect
import re
from importlib.metadata import requires, version
from typing import Any

import aioice
import av
import pylibsrtp
import pytest
from aioice import candidate, ice, stun, turn
from aiortc import (
    RTCDataChannel,
    RTCIceGatherer,
    RTCIceTransport,
    RTCSctpTransport,
    rtcdtlstransport,
    rtcsctptransport,
)

from voip.media import record, rtp


def _source(thing: Any) -> str:  # a class, a function or a module
    return inspect.getsource(thing)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (
            rtcdtlstransport.RTCDtlsTransport,
            "start stop state _send_data _set_state _set_role",
        ),
        (
            rtcdtlstransport.RTCDtlsTransport,
            "_register_data_receiver _unregister_data_receiver",
        ),
        (rtcdtlstransport.State, "CONNECTED CLOSED"),
        (rtcdtlstransport, "RTCCertificate RTCDtlsFingerprint RTCDtlsParameters"),
        (rtcdtlstransport.RTCCertificate, "generateCertificate"),
        (RTCIceGatherer, "gather getLocalCandidates getLocalParameters"),
        (RTCIceTransport, "addRemoteCandidate start stop state"),
        (RTCSctpTransport, "start stop is_server _handle_data _receive"),
        (rtcsctptransport.RTCSctpTransport.State, "CLOSED COOKIE_WAIT"),
        (rtcsctptransport.InboundStream(), "reassembly"),
        (RTCDataChannel, "send bufferedAmount readyState"),
        (RTCIceGatherer(iceServers=[]), "_connection"),
        (
            aioice.Connection,
            (
                "gather_candidates add_remote_candidate connect close send recv"
                " request_received check_incoming build_request switch_role"
                " protocol_lost query_consent _pair_remote_candidate"
                " _end_remote_candidates _valid_username"
            ),
        ),
        (
            aioice.Connection(ice_controlling=True),
            (
                "_check_list _closing _early_checks _early_checks_done"
                " _local_candidates _local_candidates_start _local_candidates_end"
                " _local_password _local_username"
                " _nominated _protocols _query_consent_task _queue"
                " _remote_candidates _remote_candidates_end"
            ),
        ),
        (ice, "get_host_addresses candidate_pair_priority CandidatePair StunProtocol"),
        (
            ice.StunProtocol,
            (
                "datagram_received connection_made connection_lost error_received"
                " send_stun close"
            ),
        ),
        (candidate, "Candidate candidate_foundation candidate_priority"),
        (stun, "Message parse_message Class Method TransactionError"),
        (stun, "TransactionFailed TransactionTimeout"),
        (stun.Message, "add_message_integrity check_message_integrity error_code"),
        (turn.TurnTransport, "_connect sendto close get_extra_info"),
        (
            turn.TurnClientMixin,
            "datagram_received request channel_bind connect delete send_stun",
        ),
        (turn.TurnClientTcpProtocol, "_padded _send"),
        (turn.TurnClientUdpProtocol, "_send"),
        (
            turn.TurnClientUdpProtocol(("", 0), "", "", 0, 0),
            (
                "channel_refresh_at channel_to_peer peer_to_channel integrity_key nonce"
                " realm receiver server transactions username mapped_address"
            ),
        ),
        (pylibsrtp.Policy, "SSRC_ANY_INBOUND SSRC_ANY_OUTBOUND"),
        (pylibsrtp.Policy, "SRTP_PROFILE_AEAD_AES_256_GCM allow_repeat_tx window_size"),
    ],
)
def test_a_name_we_rely_on_is_there(owner: object, names: str) -> None:
    gone = [name for name in names.split() if not hasattr(owner, name)]

    assert gone == [], f"{owner} has lost {gone}: see who uses them in voip/media"


@pytest.mark.parametrize(
    ("owner", "lines"),
    [
        (
            rtcdtlstransport.RTCDtlsTransport.__init__,
            [
                # No certificate of ours exists: it is only counted and kept.
                "assert len(certificates) == 1",
                "self._transport = transport",
                "self._state = State.NEW",
                "self._data_receiver: Optional[DataReceiver] = None",
            ],
        ),
        # A leg to a server hands in its own way to send, and its own way to receive.
        (
            rtcdtlstransport.RTCDtlsTransport,
            [
                "data = await self.transport._recv()",
                "await self.transport._send(data)",
                "self._rx_srtp = Session(rx_policy)",
                "self._tx_srtp = Session(tx_policy)",
                "self._validate_peer_identity(remoteParameters)",
                "self._set_state(State.FAILED)",
                "self._set_state(State.CONNECTED)",
            ],
        ),
        # SCTP begins according to the DTLS role, which we set by hand.
        (RTCSctpTransport, ['self.transport._role == "server"']),
        (RTCSctpTransport, ["await self.__transport._send_data("]),
        (RTCIceTransport.__init__, ["self._connection = gatherer._connection"]),
        (RTCIceTransport.__init__, ["self._recv = self._connection.recv"]),
        (RTCIceTransport.__init__, ["self._send = self._connection.send"]),
        # An authenticated check comes here, or waits for `connect` in the list.
        (aioice.Connection, ["self._early_checks.append((message, addr, protocol))"]),
        (aioice.Connection, ["self.check_incoming(message, addr, protocol)"]),
        (aioice.Connection, ["self.switch_role(ice_controlling=False)"]),
        # Credentials that both sides know are put in the place of random ones.
        (aioice.Connection, ["return self._local_password"]),
        (aioice.Connection, ["return self._local_username"]),
        (aioice.Connection, ["active_pair = self._nominated.get(component)"]),
        # A candidate is paired as it comes; each pair is then one of our checks.
        (aioice.Connection, ["self._pair_remote_candidate(remote_candidate)"]),
        (aioice.Connection, ["self._check_list.append(pair)"]),
        (aioice.Connection.close, ["self._nominated.clear()", "self._closing = True"]),
        (ice.CandidatePair, ["return self.protocol.local_candidate"]),
        (ice.StunProtocol, ["self.receiver.protocol_lost(self)"]),
        # What comes through a channel or a permission reaches the socket; a request
        # waits in `transactions` for `response_received`.
        (turn.TurnClientMixin, ["peer_address = self.channel_to_peer.get(channel)"]),
        (turn.TurnClientMixin, ["transaction.response_received(message, addr)"]),
        (turn.TurnClientMixin, ["for peer in self.peer_to_channel"]),
        (turn.TurnTransport, ["self.__inner_protocol.receiver = protocol"]),
        (turn.TurnTransport, ["await self.__inner_protocol.delete()"]),
    ],
)
def test_what_we_rely_on_is_done_the_same_way(owner: object, lines: list[str]) -> None:
    text = _source(owner)
    gone = [line for line in lines if line not in text]

    assert gone == [], f"{owner} no longer does {gone}: read the new version"


def test_sctp_packets_fit_a_record() -> None:
    # Common header, chunk header and padding, beside a chunk for acknowledgement.
    longest = rtcsctptransport.USERDATA_MAX_LENGTH + 12 + 16 + 3

    assert longest <= record.SCTP_MAX_BYTES


def test_srtp_protects_what_we_call_the_longest_packet() -> None:
    policy = pylibsrtp.Policy(
        key=bytes(44),
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    )
    packet = b"\x80\x66".ljust(rtp.MAX_PACKET_BYTES, b"\0")
    protected = pylibsrtp.Session(policy).protect(packet)
    with pytest.raises(ValueError, match="too long"):
        pylibsrtp.Session(policy).protect(packet + b"\0")

    assert len(protected) == rtp.MAX_PACKET_BYTES + 16


@pytest.mark.parametrize("codec", ["libopus", "libvpx"])
def test_the_codec_is_in_the_wheel(codec: str) -> None:
    assert codec in av.codecs_available


@pytest.mark.parametrize("package", ["aiortc", "aioice", "pylibsrtp"])
def test_the_version_is_one_that_was_read(package: str) -> None:
    pins = [line for line in requires("ringfence") or [] if line.startswith(package)]
    (below,) = re.findall(r"<(\d+\.\d+)", pins[0])
    major, minor = map(int, version(package).split(".")[:2])

    assert (major, minor) < tuple(map(int, below.split(".")))
