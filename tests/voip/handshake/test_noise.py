import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import (
    SHA256,
    SHA512,
    BLAKE2b,
    BLAKE2s,
    HashAlgorithm,
)

from tests.vectors import VECTORS
from voip.errors import HandshakeError, MalformedError
from voip.handshake import kem
from voip.handshake.noise import (
    CHACHAPOLY_SHA512,
    CipherState,
    HandshakeState,
    Suite,
    SymmetricState,
    Token,
    exchange,
)
from voip.wire import Reader

Case = dict[str, Any]  # one vector, as its JSON has it
Entropy = Callable[[int], bytes]

HASHES: dict[str, HashAlgorithm] = {
    "SHA256": SHA256(),
    "SHA512": SHA512(),
    "BLAKE2s": BLAKE2s(32),
    "BLAKE2b": BLAKE2b(64),
}
PATTERNS: dict[str, list[tuple[Token | str, ...]]] = {
    "NN": [("e",), ("e", "ee")],
    "XX": [("e",), ("e", "ee", "s", "es"), ("s", "se")],
    "IK": [("e", "es", "s", "ss"), ("e", "ee", "se")],
    "IKpsk2": [("e", "es", "s", "ss"), ("e", "ee", "se", "psk")],
}
CACOPHONY = VECTORS / "noise" / "cacophony-25519.json"


def cacophony() -> list[Case]:
    if not CACOPHONY.is_file():
        return []  # then the one test below says why
    return list(json.loads(CACOPHONY.read_text())["vectors"])


def suite_of(name: str) -> Suite:
    cipher, hash_name = name.split("_")[3:]
    if cipher == "AESGCM":
        return Suite(HASHES[hash_name], AESGCM, nonce_order="big")
    return Suite(HASHES[hash_name], ChaCha20Poly1305, nonce_order="little")


class Peer:
    """One end of a published vector: private keys fixed, nothing encapsulated."""

    def __init__(self, case: Case, side: str) -> None:
        name = case["protocol_name"]
        self.case, self.side = case, side
        symmetric = SymmetricState.start(suite_of(name), name.encode())
        symmetric.mix_hash(bytes.fromhex(case[f"{side}_prologue"]))
        self.state = HandshakeState(
            symmetric=symmetric, initiator=side == "init", has_psk="psk" in name
        )
        if f"{side}_static" in case:
            seed = bytes.fromhex(case[f"{side}_static"])
            self.state.s = X25519PrivateKey.from_private_bytes(seed)
        if "init_remote_static" in case:
            known = bytes.fromhex(case["init_remote_static"])
            symmetric.mix_hash(known)
            if side == "init":
                self.state.rs = X25519PublicKey.from_public_bytes(known)

    def write(self, tokens: tuple[Any, ...], payload: bytes) -> bytes:
        fields = self.state.write(
            [token for token in tokens if token != "psk"],
            entropy=lambda _: bytes.fromhex(self.case[f"{self.side}_ephemeral"]),
            encapsulate=kem.encapsulate,
        )
        self.mix_psk(tokens)
        return fields + self.state.symmetric.encrypt_and_hash(payload)

    def read(self, tokens: tuple[Any, ...], message: bytes) -> bytes:
        reader = Reader(message)
        self.state.read([token for token in tokens if token != "psk"], reader)
        self.mix_psk(tokens)
        return self.state.symmetric.decrypt_and_hash(reader.rest())

    def mix_psk(self, tokens: tuple[Any, ...]) -> None:
        if "psk" in tokens:
            key = bytes.fromhex(self.case[f"{self.side}_psks"][0])
            self.state.symmetric.mix_key_and_hash(key)


def test_published_vectors_are_there(vectors: Path) -> None:
    names = {case["protocol_name"] for case in cacophony()}

    assert vectors.is_dir()
    assert len(names) == 32


@pytest.mark.parametrize("case", cacophony(), ids=lambda case: case["protocol_name"])
def test_published_vector_is_met_with_its_transport_messages(case: Case) -> None:
    pattern = PATTERNS[case["protocol_name"].split("_")[1]]
    init, resp = Peer(case, "init"), Peer(case, "resp")
    sent, got = [], []
    for number, message in enumerate(case["messages"][: len(pattern)]):
        writer, reader = (init, resp) if number % 2 == 0 else (resp, init)
        sent.append(writer.write(pattern[number], bytes.fromhex(message["payload"])))
        got.append(reader.read(pattern[number], sent[-1]))
    ciphers = init.state.symmetric.split()
    openers = resp.state.symmetric.split()
    for number in range(len(pattern), len(case["messages"])):
        payload = bytes.fromhex(case["messages"][number]["payload"])
        # the responder speaks second in a pattern of two, and NN's vectors go on so
        sent.append(ciphers[number % 2].encrypt(payload))
        got.append(openers[number % 2].decrypt(sent[-1]))

    assert [message.hex() for message in sent] == [
        message["ciphertext"] for message in case["messages"]
    ]
    assert [message.hex() for message in got] == [
        message["payload"] for message in case["messages"]
    ]
    assert init.state.symmetric.h.hex() == case["handshake_hash"]
    assert resp.state.symmetric.h.hex() == case["handshake_hash"]


def test_a_long_protocol_name_is_hashed() -> None:
    state = SymmetricState.start(
        suite_of("Noise_NN_25519_ChaChaPoly_SHA256"), b"n" * 33
    )

    assert state.h == hashlib.sha256(b"n" * 33).digest()


def pair(entropy: Entropy) -> tuple[HandshakeState, HandshakeState]:
    """Two ends of a handshake of our own tokens, each with static keys."""
    states = []
    for initiator in (True, False):
        sk = MLKEM768PrivateKey.from_seed_bytes(entropy(64))
        states.append(
            HandshakeState(
                symmetric=SymmetricState.start(CHACHAPOLY_SHA512, b"test"),
                initiator=initiator,
                has_psk=True,
                s=X25519PrivateKey.from_private_bytes(entropy(32)),
                sk=sk,
                ek=sk.public_key().public_bytes_raw(),
            )
        )
    return states[0], states[1]


def test_kem_tokens_bring_both_sides_to_the_same_key(entropy: Entropy) -> None:
    caller, callee = pair(entropy)
    write = partial(HandshakeState.write, entropy=entropy, encapsulate=kem.encapsulate)
    first: tuple[Token, ...] = ("e", "s", "sk", "e1")
    second: tuple[Token, ...] = ("e", "ee", "ekem1", "skem", "se")

    callee.read(first, Reader(write(caller, first)))
    caller.read(second, Reader(write(callee, second)))

    assert caller.symmetric.ck == callee.symmetric.ck
    assert caller.symmetric.h == callee.symmetric.h


def test_without_psk_the_split_ciphers_of_both_sides_talk(entropy: Entropy) -> None:
    caller, callee = pair(entropy)
    caller.has_psk = callee.has_psk = False
    write = partial(HandshakeState.write, entropy=entropy, encapsulate=kem.encapsulate)

    callee.read(("e",), Reader(write(caller, ("e",))))
    caller.symmetric.encrypt_and_hash(b"clear")
    callee.symmetric.decrypt_and_hash(b"clear")
    caller.read(("e", "ee"), Reader(write(callee, ("e", "ee"))))
    there, back = caller.symmetric.split()

    assert callee.symmetric.split()[0].decrypt(there.encrypt(b"hello")) == b"hello"
    assert callee.symmetric.split()[1].decrypt(back.encrypt(b"hi")) == b"hi"


def test_a_fork_goes_its_own_way(entropy: Entropy) -> None:
    state, _ = pair(entropy)
    state.symmetric.mix_key(b"k" * 32)
    fork = state.fork()
    before = state.symmetric.fork()

    fork.symmetric.encrypt_and_hash(b"something")

    assert state.symmetric == before


def test_a_fork_before_there_is_a_key_has_none_either(entropy: Entropy) -> None:
    state, _ = pair(entropy)

    assert state.fork().symmetric == state.symmetric


def test_a_message_that_is_cut_short_is_malformed(entropy: Entropy) -> None:
    _, callee = pair(entropy)

    with pytest.raises(MalformedError, match="cut short"):
        callee.read(("e",), Reader(bytes(31)))


def test_a_wrong_tag_is_refused_and_the_right_one_still_opens() -> None:
    sealed = CipherState(CHACHAPOLY_SHA512, b"k" * 32).encrypt(b"hello", b"ad")
    opener = CipherState(CHACHAPOLY_SHA512, b"k" * 32)

    with pytest.raises(HandshakeError, match="tag is wrong"):
        opener.decrypt(sealed, b"other")
    assert opener.decrypt(sealed, b"ad") == b"hello"


def test_a_key_is_not_shown(entropy: Entropy) -> None:
    state, _ = pair(entropy)
    state.symmetric.mix_key(b"k" * 32)
    assert state.symmetric.cipher is not None

    shown = repr(state) + repr(state.symmetric) + repr(state.symmetric.cipher)

    assert repr(state.symmetric.ck) not in shown
    assert repr(state.symmetric.cipher.key) not in shown


def test_x25519_meets_wycheproof(vectors: Path) -> None:
    file = vectors / "wycheproof" / "x25519_test.json"
    wrong = [
        case["tcId"]
        for group in json.loads(file.read_text())["testGroups"]
        for case in group["tests"]
        if _x25519(case) != ("" if set(case["shared"]) == {"0"} else case["shared"])
    ]

    assert wrong == []


def _x25519(case: Case) -> str:
    """The shared secret in hex; nothing where it is refused as a low-order point."""
    run = partial(
        exchange,
        X25519PrivateKey.from_private_bytes(bytes.fromhex(case["private"])),
        X25519PublicKey.from_public_bytes(bytes.fromhex(case["public"])),
    )
    try:
        return run().hex()
    except HandshakeError:
        return ""


@pytest.mark.parametrize(
    ("name", "suite"),
    [
        ("chacha20_poly1305", CHACHAPOLY_SHA512),
        ("aes_gcm", Suite(SHA512(), AESGCM, nonce_order="big")),
    ],
)
def test_ciphers_meet_wycheproof_where_the_nonce_is_ours(
    vectors: Path, name: str, suite: Suite
) -> None:
    """Noise nonces are 4 zero bytes and a counter; those vectors go through here."""
    file = vectors / "wycheproof" / f"{name}_test.json"
    results = [
        (case["result"], _opens(case, suite))
        for group in json.loads(file.read_text())["testGroups"]
        if (group["keySize"], group["ivSize"], group["tagSize"]) == (256, 96, 128)
        for case in group["tests"]
        if case["iv"].startswith("00000000")
    ]

    assert results
    assert set(results) <= {("valid", True), ("invalid", False)}


def _opens(case: Case, suite: Suite) -> bool:
    nonce = bytes.fromhex(case["iv"])
    count = int.from_bytes(nonce[4:], suite.nonce_order)
    cipher = CipherState(suite, bytes.fromhex(case["key"]), count)
    try:
        opened = cipher.decrypt(
            bytes.fromhex(case["ct"] + case["tag"]), bytes.fromhex(case["aad"])
        )
    except HandshakeError:
        return False
    return opened == bytes.fromhex(case["msg"])
