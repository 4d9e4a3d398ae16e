"""The page's modules in real browsers: frozen values, published vectors, our Python."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.voip.gateway.page.browsers import Tab
from tests.voip.gateway.page.conftest import OpenTab
from tests.voip.gateway.page.pageserver import page_server
from voip.description import Kind
from voip.gateway.guests import handshake as guest
from voip.gateway.guests import messages as guestmessages
from voip.gateway.guests.handshake import Answering, GuestKeys, Media, Reply, Role
from voip.gateway.guests.line import GuestLine
from voip.gateway.guests.messages import parse_guest_message
from voip.identity.words import words
from voip.media.sealing import open_frame, seal_frame
from voip.media.sframe import Opener, Sealer, parse_header
from voip.signalling.legs import LegEnd, LegKind, LegReason, Legs, ListedLeg, Mark
from voip.signalling.messages import (
    Alerting,
    Confirm,
    Hangup,
    HangupReason,
    Ping,
    SasResult,
)
from voip.wire import be32

pytestmark = pytest.mark.slow  # browsers take seconds to start

SECRET = bytes(range(32))
ORIGIN = "https://talk.example"
NONCE_G, NONCE_H = b"\xaa" * 32, b"\xbb" * 32
REPLY = Reply(NONCE_H, b"\x66" * 32, media=Media.AUDIO | Media.VIDEO, alias="alice")

SHORTHAND = """
  const [bytes, noise, sframe, messages, tally] = await Promise.all(
    ["bytes", "noise", "sframe", "messages", "tally"].map(
      (name) => import(`/${name}.js`)),
  );
  const { hex } = bytes;
  const raw = (text) =>
    Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const fill = (byte) => new Uint8Array(32).fill(byte);
  const refusal = async (step) => {
    try { await step(); } catch (error) { return error.constructor.name; }
    return "taken";
  };
"""


@pytest.fixture
async def tab(open_tab: OpenTab) -> AsyncIterator[Tab]:
    """Give a tab on an empty page that may import the modules."""
    async with (
        page_server(extra={"/empty": b"<!doctype html><title>empty</title>"}) as origin,
        open_tab() as opened,
    ):
        await opened.open(origin + "/empty")
        yield opened


async def run(tab: Tab, script: str) -> Any:
    """Run the body of a function that knows all modules."""
    return await tab.ask(f"(async () => {{ {SHORTHAND} {script} }})()")


def public_key(private: bytes) -> bytes:
    """Give the X25519 key (32 bytes) that belongs to a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


KEY_PAIR = """
  const url = (octets) => btoa(String.fromCharCode(...octets))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const pair = async (d, x) => ({
    privateKey: await crypto.subtle.importKey("jwk",
      { kty: "OKP", crv: "X25519", d: url(d), x: url(x) },
      { name: "X25519" }, false, ["deriveBits"]),
    publicKey: await crypto.subtle.importKey("raw", x, { name: "X25519" }, true, []),
  });
"""


async def greeted(tab: Tab) -> tuple[dict[str, Any], GuestKeys]:
    """Let page and Python shake hands with frozen keys; give what both know."""
    e = public_key(b"\x33" * 32).hex()
    start = f"""
      {KEY_PAIR}
      const handshake = new noise.Handshake(
        await pair(fill(0x33), raw("{e}")), fill(0xaa));
      const hello = await handshake.hello(
        raw("{SECRET.hex()}"), "{ORIGIN}",
        {{ fingerprint: fill(0x55), media: 3, name: "Bob" }});
    """
    hello = bytes.fromhex(await run(tab, f"{start} return hex(hello);"))
    answering = Answering(guest.invite_psk(SECRET), ORIGIN, guest.invite_id(SECRET))
    answering.read(hello)
    reply, keys = answering.reply(REPLY, lambda _: b"\x44" * 32)
    found = await run(
        tab,
        f"""
        {start}
        const keys = await handshake.finish(raw("{reply.hex()}"));
        const list = await (await fetch("/words.txt")).arrayBuffer();
        await noise.checkWordList(list);
        const secret = await keys.callSecret();
        return {{
          hello: hex(hello),
          h: hex(handshake.transcript.h), ck: hex(handshake.transcript.ck),
          master: hex(keys.master), secret: hex(secret), sas: hex(await keys.sas()),
          words: noise.words(await keys.sas(), new TextDecoder().decode(list)),
          signal: [hex(await keys.signal(0)), hex(await keys.signal(1))],
          frames: [hex(await noise.sframeKey(secret, 0, 0)),
                   hex(await noise.sframeKey(secret, 1, 0))],
          resume: hex(await keys.resumeId()),
          host: {{ alias: keys.host.alias, media: keys.host.media,
                  fingerprint: hex(keys.host.fingerprint) }},
        }};""",
    )
    return found, keys


async def test_page_and_python_agree_on_every_key(tab: Tab) -> None:
    found, keys = await greeted(tab)

    assert found | {"hello": "", "h": "", "ck": ""} == {
        "hello": "",
        "h": "",
        "ck": "",
        "master": keys.master.hex(),
        "secret": keys.call_secret.hex(),
        "sas": keys.sas(NONCE_G).hex(),
        "words": list(words(keys.sas(NONCE_G))),
        "signal": [keys.signal(role).hex() for role in Role],
        "frames": [guest.frame_key(keys.call_secret, role, 0).hex() for role in Role],
        "resume": keys.resume_id.hex(),
        "host": {"alias": "alice", "media": 3, "fingerprint": "66" * 32},
    }


async def test_the_handshake_of_the_page_is_frozen(tab: Tab) -> None:
    found, _ = await greeted(tab)

    assert [found["h"][:32], found["ck"][:32], found["master"][:32]] == [
        "4c0fb5787d0aadb194ed83019438c59b",
        "440ed0aa5b09574b0ec39cbb96dbaa63",
        "87e603540635c07e70b73fbe4956b088",
    ]
    assert found["words"] == ["want", "raven", "steak"]


async def test_a_reply_with_a_flipped_bit_is_refused(tab: Tab) -> None:
    e = public_key(b"\x33" * 32).hex()
    found = await run(
        tab,
        f"""
        {KEY_PAIR}
        const refusals = new Set();
        for (const at of [0, 1, 32, 33, 200, 304]) {{
          const handshake = new noise.Handshake(
            await pair(fill(0x33), raw("{e}")), fill(0xaa));
          await handshake.hello(raw("{SECRET.hex()}"), "{ORIGIN}",
            {{ fingerprint: fill(0x55), media: 3, name: "Bob" }});
          const reply = raw("{await answered(tab)}");
          reply[at] ^= 1;
          refusals.add(await refusal(() => handshake.finish(reply)));
        }}
        return [...refusals];""",
    )

    assert found == ["MalformedError"]


async def answered(tab: Tab) -> str:
    """Give the honest REPLY to the frozen HELLO."""
    found, _ = await greeted(tab)
    answering = Answering(guest.invite_psk(SECRET), ORIGIN, guest.invite_id(SECRET))
    answering.read(bytes.fromhex(found["hello"]))
    reply, _ = answering.reply(REPLY, lambda _: b"\x44" * 32)
    return reply.hex()


async def test_the_next_epoch_is_frozen(tab: Tab) -> None:
    found, _ = await greeted(tab)
    secret = await run(
        tab,
        f"""return hex(await noise.nextSecret(raw("{found["secret"]}"), 1, {{
          shared: fill(0x99), key: fill(0x77),
          answer: bytes.concat(bytes.be32(1), fill(0x88)) }}));""",
    )

    assert secret[:32] == "f3d594b447c3c4c45b7d2ae4932227ce"


async def test_a_frame_of_sound_is_frozen(tab: Tab) -> None:
    found, _ = await greeted(tab)
    sealed = await run(
        tab,
        f"""const sealer = await sframe.Sealer.of(raw("{found["frames"][0]}"), 0);
        return hex(await sframe.sealFrame(sealer, 1, raw("f8fffe")));""",
    )

    assert (len(sealed) // 2, sealed[:32]) == (177, "00969060f2094b4fd087ffa97ceab430")


async def test_published_vectors_of_rfc_9605_hold(tab: Tab, vectors: Path) -> None:
    published = json.loads((vectors / "sframe" / "test-vectors.json").read_text())
    [case] = [each for each in published["sframe"] if each["cipher_suite"] == 5]
    found = await run(
        tab,
        f"""const key = raw("{case["base_key"]}");
        const opener = await sframe.Opener.of(key, {case["kid"]});
        const frame = raw("{case["ct"]}");
        return hex(await opener.open(
          raw("{case["metadata"]}"), frame, sframe.parseHeader(frame)));""",
    )

    assert found == case["pt"]


async def test_published_headers_are_written_and_read(tab: Tab, vectors: Path) -> None:
    published = json.loads((vectors / "sframe" / "test-vectors.json").read_text())
    # The page counts in JavaScript's numbers, and refuses what they cannot hold.
    cases = [
        [each["kid"], each["ctr"], each["encoded"]]
        for each in published["header"]
        if each["kid"] + each["ctr"] < 2**53
    ]
    found = await run(
        tab,
        f"""return {json.dumps(cases)}.filter(([kid, counter, encoded]) => {{
          const read = sframe.parseHeader(raw(encoded));
          return hex(sframe.formatHeader(kid, counter)) !== encoded
            || read.kid !== kid || read.counter !== counter;
        }});""",
    )

    assert found == []


FRAMES = [
    pytest.param(Kind.AUDIO, b"\xf8\xff\xfe", id="sound"),
    pytest.param(Kind.VIDEO, b"\x10" + bytes(range(40)), id="key frame"),
    pytest.param(Kind.VIDEO, b"\x11" + bytes(range(40)), id="other frame"),
]


@pytest.mark.parametrize(("kind", "frame"), FRAMES)
async def test_python_opens_what_the_page_sealed(
    tab: Tab, kind: Kind, frame: bytes
) -> None:
    sealed = await run(
        tab,
        f"""const sealer = await sframe.Sealer.of(fill(7), 300);
        await sealer.seal(raw(""), raw(""));
        const frame = raw("{frame.hex()}");
        return hex(await sframe.sealFrame(sealer, {kind.value}, frame));""",
    )
    opener = Opener(b"\x07" * 32, 300)

    def open_sealed(ciphertext: bytes, metadata: bytes) -> bytes:
        return opener.open(parse_header(ciphertext), ciphertext, metadata)

    assert open_frame(kind, bytes.fromhex(sealed), open_sealed) == frame


@pytest.mark.parametrize(("kind", "frame"), FRAMES)
async def test_the_page_opens_what_python_sealed(
    tab: Tab, kind: Kind, frame: bytes
) -> None:
    sealed = seal_frame(Sealer(b"\x07" * 32, 301), kind, frame)
    opened = await run(
        tab,
        f"""const opener = await sframe.Opener.of(fill(7), 301);
        const of = (kid) => kid === 301 ? opener : undefined;
        return hex(await sframe.openFrame(of, {kind.value}, raw("{sealed.hex()}")));""",
    )

    assert opened == frame.hex()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("await open(1, frame);", id="twice"),
        pytest.param("frame[frame.length - 1] ^= 1;", id="changed tag"),
        pytest.param("frame[1] ^= 1;", id="changed counter"),
        pytest.param("kind = 2;", id="sound as picture"),
        pytest.param("frame = frame.subarray(0, 16);", id="cut"),
        pytest.param("frame = new Uint8Array();", id="empty"),
        pytest.param("frame = fill(0xff);", id="endless header"),
        pytest.param("known = 2;", id="another key"),
        pytest.param("frame = new Uint8Array([...frame, 0]);", id="longer"),
    ],
)
async def test_a_frame_that_is_not_the_hosts_does_not_open(
    tab: Tab, change: str
) -> None:
    found = await run(
        tab,
        f"""const sealer = await sframe.Sealer.of(fill(7), 1);
        for (let i = 0; i < 9; i += 1) await sealer.seal(raw(""), raw(""));
        let frame = await sframe.sealFrame(sealer, 1, raw("f8fffe"));
        const opener = await sframe.Opener.of(fill(7), 1);
        let [kind, known] = [1, 1];
        const openerOf = (kid) => kid === known ? opener : undefined;
        const open = (k, f) => sframe.openFrame(openerOf, k, f);
        {change}
        return refusal(() => open(kind, frame));""",
    )

    assert found == "MalformedError"


async def test_a_frame_older_than_the_window_does_not_open(tab: Tab) -> None:
    found = await run(
        tab,
        """const sealer = await sframe.Sealer.of(fill(7), 1);
        const frames = [];
        for (let i = 0; i <= sframe.WINDOW; i += 1) {
          frames.push(await sframe.sealFrame(sealer, 1, raw("f8fffe")));
        }
        const opener = await sframe.Opener.of(fill(7), 1);
        const open = (frame) => sframe.openFrame(() => opener, 1, frame);
        await open(frames.at(-1));
        const [old, next] = frames;
        return [await refusal(() => open(old)), await refusal(() => open(next))];""",
    )

    assert found == ["MalformedError", "taken"]


FROM_GATEWAY: list[guestmessages.GuestMessage] = [
    Alerting(),
    guestmessages.Accept(
        (guestmessages.Server("turn:192.0.2.1", "17:abc", credential="dGg="),)
    ),
    Hangup(HangupReason.DECLINED, bytes(16)),
    guestmessages.Rekey(be32(1) + b"\x77" * 32),
    SasResult(matched=True),
    Legs(
        7,
        (
            ListedLeg(
                2,
                LegKind.SIP,
                mark=Mark.TO_PBX,
                host="pbx.example",
                suite="AES_CM_128_HMAC_SHA1_80",
                name="recepción",
            ),
        ),
    ),
    LegEnd(2, LegReason.BUSY, status=486, text="Büro"),
    guestmessages.Answer("v=0\r\n"),
    guestmessages.Counts(
        (guestmessages.Count(Kind.AUDIO, guestmessages.Direction.SENT, 10, 0, 11),)
    ),
    guestmessages.Notice(guestmessages.Happening.OPENED_AGAIN),
    guestmessages.Present(("alice", "bób")),
]


def controls() -> list[bytes]:
    """Give every message a gateway says, as control bytes."""
    given = []
    for number, message in enumerate(FROM_GATEWAY, start=1):
        kind, fields = guestmessages.format_guest_message(message)
        given.append(number.to_bytes(8) + bytes(8) + bytes([kind]) + fields)
    kind, fields = guestmessages.format_guest_message(Ping(5))
    return [*given, bytes(16) + bytes([kind]) + fields]


async def test_the_page_reads_what_the_gateway_says(tab: Tab) -> None:
    sent = [each.hex() for each in controls()]
    found = await run(
        tab,
        f"""return {json.dumps(sent)}.map((text) =>
          messages.parseControl(raw(text)).message.type);""",
    )

    assert found == [
        "ALERTING", "ACCEPT", "HANGUP", "REKEY", "SAS_RESULT", "LEGS", "LEG_END",
        "ANSWER", "COUNTS", "NOTICE", "PRESENT", "PING",
    ]  # fmt: skip


async def test_whatever_comes_is_a_message_or_malformed(tab: Tab) -> None:
    sent = [each.hex() for each in controls()]
    found = await run(
        tab,
        f"""let seed = 1;
        const luck = (n) => (seed = (seed * 48271) % 2147483647) % n;
        const outcomes = new Set();
        for (const text of {json.dumps(sent)}) {{
          for (let turn = 0; turn < 300; turn += 1) {{
            const octets = raw(text);
            octets[luck(octets.length)] = luck(256);
            const size = turn % 3 ? octets.length : luck(octets.length);
            const cut = octets.subarray(0, size);
            outcomes.add(await refusal(() => messages.parseControl(cut)));
          }}
        }}
        return [...outcomes].sort();""",
    )

    assert found == ["MalformedError", "taken"]


async def test_the_gateway_reads_what_the_page_says(tab: Tab) -> None:
    said = await run(
        tab,
        """const counts = [{ kind: 1, direction: 0, sframe: 1, failed: 2, rtp: 3 }];
        return [
          { type: "CONFIRM", nonce: fill(1) },
          { type: "HANGUP", reason: messages.REASON.SECURITY },
          { type: "STATE", version: 3, muted: true, video: false, screen: true },
          { type: "REKEY_ACK", fields: new Uint8Array(36) },
          { type: "SAS_RESULT", isMatch: false },
          { type: "PING", t: 9 }, { type: "PONG", t: 9 },
          { type: "LEGS_ACK", version: 2, isShown: true },
          { type: "DIGITS", leg: 2, digits: "4*#" },
          { type: "OFFER", sdp: "v=0" },
          { type: "COUNTS", counts },
        ].map((message) => hex(messages.formatControl(
          messages.isCounted(message) ? 1 : 0, 0, message)));""",
    )
    read = [parse_guest_message(raw[16], raw[17:]) for raw in map(bytes.fromhex, said)]

    assert [type(each).__name__ for each in read] == [
        "Confirm", "Hangup", "State", "RekeyAck", "SasResult", "Ping", "Pong",
        "LegsAck", "Digits", "Offer", "Counts",
    ]  # fmt: skip


async def test_a_link_has_one_spelling(tab: Tab) -> None:
    text = "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"
    found = await run(
        tab,
        f"""return [
          hex(bytes.parseBase32("{text}")),
          await refusal(() => bytes.parseBase32("{text[:-1]}r")),
          await refusal(() => bytes.parseBase32("{text.upper()}")),
          await refusal(() => bytes.parseBase32("{text}aa")),
        ];""",
    )

    assert found == [SECRET.hex(), *["MalformedError"] * 3]


HONEST = {"kind": 1, "direction": 0, "sframe": 500, "failed": 0, "rtp": 501}


@pytest.mark.parametrize(
    ("ours", "theirs", "windows", "violated"),
    [
        pytest.param({}, [], 9, False, id="honest"),
        pytest.param({"rtp": 520}, [], 1, False, id="off once"),
        pytest.param({"rtp": 520}, [], 2, True, id="off twice"),
        pytest.param({"rtp": 300}, [], 9, False, id="sealed and not sent"),
        pytest.param({"failed": 11}, [], 1, True, id="not sealed"),
        pytest.param({}, [{**HONEST, "direction": 1}], 1, False, id="opened all"),
        pytest.param(
            {}, [{**HONEST, "direction": 1, "sframe": 501}], 1, True, id="opened more"
        ),
    ],
)
async def test_counters_that_do_not_add_up_are_a_violation(
    tab: Tab,
    ours: dict[str, int],
    theirs: list[dict[str, int]],
    windows: int,
    *,
    violated: bool,
) -> None:
    found = await run(
        tab,
        f"""const judge = new tally.Tally();
        let last = null;
        for (let i = 0; i < {windows}; i += 1) {{
          last = judge.violation([{json.dumps(HONEST | ours)}], {json.dumps(theirs)});
        }}
        return last !== null;""",
    )

    assert found is violated


async def test_a_stream_that_nobody_sealed_is_seen_after_a_second(tab: Tab) -> None:
    bare = json.dumps(HONEST | {"sframe": 0, "rtp": 50})
    found = await run(
        tab,
        f"""const judge = new tally.Tally();
        return [0, 900, 1000].map((now) => judge.isBypassed([{bare}], now));""",
    )

    assert found == [False, False, True]


async def test_a_line_of_python_opens_what_a_page_says(tab: Tab) -> None:
    found, keys = await greeted(tab)
    sealed = await run(
        tab,
        f"""const key = await crypto.subtle.importKey(
          "raw", raw("{found["signal"][0]}"), "AES-GCM", false, ["encrypt"]);
        const confirm = {{ type: "CONFIRM", nonce: fill(0xaa) }};
        const control = messages.formatControl(1, 0, confirm);
        const iv = new Uint8Array(12);
        const body = await crypto.subtle.encrypt(
          {{ name: "AES-GCM", iv }}, key, bytes.pad(control, 256));
        return hex(bytes.concat(iv, new Uint8Array(body)));""",
    )
    line = GuestLine(keys, Role.GATEWAY, bytes)

    assert line.open(bytes.fromhex(sealed)) == Confirm(NONCE_G)
