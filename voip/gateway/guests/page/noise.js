/**
 * The guest's handshake: Noise_NNpsk0_25519_AESGCM_SHA512, and every key of the call.
 *
 *     guest                                             gateway
 *       HELLO   psk, e,  AEAD(commit, fingerprint, media, name)   ->
 *       REPLY   e, ee,   AEAD(nonce_h, fingerprint, media, alias) <-
 *
 *     Noise ck, h ─> master ─┬─> signal(role)    seals the messages that follow
 *                            ├─> sas             the words people read to each other
 *                            ├─> resume_id       names the call on a new socket
 *                            └─> S_0 ─> S_1 ...  ─> sframe(role, e) seals the frames
 *
 * The psk comes from the link, so only who holds the link can answer. Each side's DTLS
 * fingerprint travels inside: that ties the media to this handshake. Source: the Noise
 * Protocol Framework, revision 34; formats and check values: docs/formats/guest.md.
 * Nothing here reads a clock, a random source or the network.
 */

import {
  MalformedError,
  Reader,
  be32,
  concat,
  equal,
  lp16,
  lp8,
  pad,
  u8,
  unpad,
  utf8,
} from "./bytes.js";

export const GUEST = 0;
export const GATEWAY = 1;

const DOMAIN = utf8("ringfence/guest/1");
const PROTOCOL = utf8("Noise_NNpsk0_25519_AESGCM_SHA512");
const HELLO = 1;
const PAYLOAD_BYTES = 256;
const REPLY_BYTES = 1 + 32 + PAYLOAD_BYTES + 16;
const MAX_NAME_BYTES = 48;
const EMPTY = new Uint8Array();

/** SHA-512( lp8(domain) || lp8(label) || data ), 32 bytes: WebCrypto has no SHA-512/256. */
async function derive(label, data) {
  return (await sha512(concat(lp8(DOMAIN), lp8(utf8(label)), data))).slice(0, 32);
}

async function sha512(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-512", data));
}

async function hmac(key, data) {
  const algorithm = { name: "HMAC", hash: "SHA-512" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, [
    "sign",
  ]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

/**
 * Derive at most 64 bytes under a label: HKDF-Expand-SHA512 (RFC 5869 §2.3), whose first
 * block is one HMAC.
 */
async function expand(prk, label, context, size) {
  const info = concat(lp8(DOMAIN), lp8(utf8(label)), lp16(context), u8(1));
  return (await hmac(prk, info)).slice(0, size);
}

/** @param {Uint8Array} secret the link's 32 bytes @returns {Promise<Uint8Array>} 16 bytes */
export const inviteId = async (secret) =>
  (await derive("invite-id", secret)).slice(0, 16);

/** Noise's SymmetricState with AES-256-GCM and SHA-512 (§5.2). */
class Symmetric {
  ck = pad32to64(PROTOCOL);
  h = pad32to64(PROTOCOL);
  #key = null;
  #count = 0;

  async mixHash(data) {
    this.h = await sha512(concat(this.h, data));
  }

  async mixKey(material) {
    const [ck, key] = await this.#hkdf(material, 2);
    this.ck = ck;
    await this.#setKey(key);
  }

  async mixKeyAndHash(material) {
    const [ck, hash, key] = await this.#hkdf(material, 3);
    this.ck = ck;
    await this.mixHash(hash);
    await this.#setKey(key);
  }

  async seal(plaintext) {
    const sealed = new Uint8Array(
      await crypto.subtle.encrypt(this.#parameters(), this.#key, plaintext),
    );
    await this.mixHash(sealed);
    return sealed;
  }

  async open(sealed) {
    let plaintext;
    try {
      plaintext = await crypto.subtle.decrypt(this.#parameters(), this.#key, sealed);
    } catch {
      throw new MalformedError("the answer was not made by who made the link");
    }
    await this.mixHash(sealed);
    return new Uint8Array(plaintext);
  }

  /** Noise's HKDF is RFC 5869's with the chaining key as salt and nothing as info. */
  async #hkdf(material, outputs) {
    const key = await crypto.subtle.importKey("raw", material, "HKDF", false, [
      "deriveBits",
    ]);
    const parameters = { name: "HKDF", hash: "SHA-512", salt: this.ck, info: EMPTY };
    const bits = await crypto.subtle.deriveBits(parameters, key, 512 * outputs);
    return Array.from({ length: outputs }, (_, i) => new Uint8Array(bits, 64 * i, 64));
  }

  async #setKey(key) {
    this.#key = await crypto.subtle.importKey(
      "raw",
      key.slice(0, 32),
      "AES-GCM",
      false,
      ["encrypt", "decrypt"],
    );
    this.#count = 0;
  }

  #parameters() {
    // §12.4: 32 zero bits, then the counter, big-endian.
    const iv = concat(new Uint8Array(8), be32(this.#count++));
    return { name: "AES-GCM", iv, additionalData: this.h };
  }
}

function pad32to64(name) {
  const padded = new Uint8Array(64);
  padded.set(name);
  return padded;
}

/** @returns {Promise<CryptoKeyPair>} an X25519 key whose private half cannot be read */
export const makeKeyPair = () =>
  crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);

/** @param {CryptoKey} key @returns {Promise<Uint8Array>} 32 bytes */
export const publicBytes = async (key) =>
  new Uint8Array(await crypto.subtle.exportKey("raw", key));

/** The all-zero result of a low-order point is refused by WebCrypto itself. */
async function agree(privateKey, peer) {
  const other = await crypto.subtle.importKey(
    "raw",
    peer,
    { name: "X25519" },
    false,
    [],
  );
  try {
    return new Uint8Array(
      await crypto.subtle.deriveBits(
        { name: "X25519", public: other },
        privateKey,
        256,
      ),
    );
  } catch {
    throw new MalformedError("the answer's key is not one an honest gateway sends");
  }
}

/** The guest's side of one handshake: `hello`, then `finish`. */
export class Handshake {
  #symmetric = new Symmetric();
  #keyPair;
  #nonce;

  /**
   * @param {CryptoKeyPair} keyPair X25519, for this handshake alone
   * @param {Uint8Array} nonce 32 random bytes, which the words depend on
   */
  constructor(keyPair, nonce) {
    this.#keyPair = keyPair;
    this.#nonce = nonce;
  }

  /**
   * Write HELLO, 321 bytes.
   *
   * @param {Uint8Array} secret of the link, 32 bytes
   * @param {string} origin as this page was loaded from
   * @param {{fingerprint: Uint8Array, media: number, name: string}} offer SHA-256 of the
   *   DTLS certificate; 1 audio, 3 audio and video; a name of at most 48 bytes
   */
  async hello(secret, origin, { fingerprint, media, name }) {
    const id = await inviteId(secret);
    const e = await publicBytes(this.#keyPair.publicKey);
    const s = this.#symmetric;
    await s.mixHash(concat(lp8(DOMAIN), lp8(utf8(origin)), id));
    await s.mixKeyAndHash(await derive("psk", secret));
    await s.mixHash(e);
    await s.mixKey(e); // §9.2: in psk handshakes e is mixed into the key, too
    const commit = await derive("sas-commit", concat(this.#nonce, e));
    const payload = concat(commit, fingerprint, u8(media), lp8(utf8(name)));
    return concat(u8(HELLO), id, e, await s.seal(pad(payload, PAYLOAD_BYTES)));
  }

  /**
   * Read REPLY and give the keys of the call.
   *
   * @param {Uint8Array} reply 305 bytes
   * @returns {Promise<Keys>}
   * @throws {MalformedError} not an answer to our HELLO by a holder of the link
   */
  async finish(reply) {
    if (reply.length !== REPLY_BYTES || reply[0] !== HELLO) {
      throw new MalformedError("the answer is not one of this protocol");
    }
    const peer = reply.slice(1, 33);
    const s = this.#symmetric;
    await s.mixHash(peer);
    await s.mixKey(peer);
    await s.mixKey(await agree(this.#keyPair.privateKey, peer));
    const reader = new Reader(unpad(await s.open(reply.slice(33))));
    const host = {
      nonce: reader.take(32).slice(),
      fingerprint: reader.take(32).slice(),
      media: reader.u8(),
      alias: reader.text(MAX_NAME_BYTES),
    };
    reader.end();
    const master = await expand(s.ck, "exporter", s.h, 64);
    return new Keys(master, this.#nonce, host);
  }

  /** For the check values: the transcript hash and the chaining key, 64 bytes each. */
  get transcript() {
    return { h: this.#symmetric.h, ck: this.#symmetric.ck };
  }
}

/** What one finished handshake gives. */
export class Keys {
  /**
   * @param {Uint8Array} master 64 bytes
   * @param {Uint8Array} nonce ours, 32 bytes; CONFIRM shows it
   * @param {{nonce: Uint8Array, fingerprint: Uint8Array, media: number, alias: string}} host
   */
  constructor(master, nonce, host) {
    this.master = master;
    this.nonce = nonce;
    this.host = host;
  }

  /** Key of the messages that `role` sends, 32 bytes. */
  signal(role) {
    return expand(this.master, "signal", u8(role), 32);
  }

  /** What the words are made of, 8 bytes. */
  sas() {
    return expand(this.master, "sas", concat(this.nonce, this.host.nonce), 8);
  }

  /** Names this call when its socket is replaced, 16 bytes. */
  resumeId() {
    return expand(this.master, "resume", EMPTY, 16);
  }

  /** S_0, 64 bytes. */
  callSecret() {
    return expand(this.master, "call", be32(0), 64);
  }
}

/** @returns {Promise<Uint8Array>} base key of the frames `role` seals in `epoch`, 32 bytes */
export const sframeKey = (callSecret, role, epoch) =>
  expand(callSecret, "sframe", concat(u8(role), be32(epoch)), 32);

/**
 * Go to the next epoch by the gateway's REKEY.
 *
 * @param {Uint8Array} callSecret S_e, 64 bytes
 * @param {{epoch: number, key: Uint8Array}} rekey e + 1 and the gateway's X25519 key
 * @param {CryptoKeyPair} keyPair X25519, for this change alone
 * @returns {Promise<{answer: Uint8Array, callSecret: Uint8Array}>} fields of REKEY_ACK,
 *   36 bytes, and S_{e+1}
 */
export async function rekeyed(callSecret, { epoch, key }, keyPair) {
  const answer = concat(be32(epoch), await publicBytes(keyPair.publicKey));
  const shared = await agree(keyPair.privateKey, key);
  return {
    answer,
    callSecret: await nextSecret(callSecret, epoch, { shared, key, answer }),
  };
}

/** S_{e+1}: HKDF-Extract-SHA512 (RFC 5869 §2.2) is an HMAC keyed with the salt. */
export async function nextSecret(callSecret, epoch, { shared, key, answer }) {
  const digest = await sha512(concat(be32(epoch), key, answer));
  const prk = await hmac(callSecret, shared);
  return expand(prk, "rekey", concat(be32(epoch), digest), 64);
}

const WORDS_SHA256 = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda";

/**
 * Give the three words of a call: 33 bits of the sas.
 *
 * @param {Uint8Array} sas 8 bytes
 * @param {string} list the BIP-39 English list, a word a line
 */
export function words(sas, list) {
  const bits = sas.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
  const all = list.split("\n");
  return [53n, 42n, 31n].map((shift) => all[Number((bits >> shift) & 2047n)]);
}

/** A list that differs in a word would make an honest call look attacked. */
export async function checkWordList(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const expected = WORDS_SHA256.match(/../g).map((pair) => parseInt(pair, 16));
  if (!equal(digest, Uint8Array.from(expected))) {
    throw new MalformedError("the list of words is not the one everybody has");
  }
}
