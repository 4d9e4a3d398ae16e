/**
 * SFrame (RFC 9605), cipher suite 5: AES-256-GCM with SHA-512, tags of 128 bits.
 *
 *     frame = clear bytes | header (KID, counter) | ciphertext | tag 16
 *
 * The clear bytes and the kind of stream are authenticated (the RFC's metadata), so a
 * frame of sound cannot be passed off as a picture. One `Sealer` holds the one counter
 * of its key: two counters under one key would repeat nonces, which breaks AES-GCM.
 */

import { MalformedError, be16, be64, concat, pad, u8, unpad, utf8 } from "./bytes.js";

export const AUDIO = 1;
export const VIDEO = 2;

const SUITE = 5;
const TAG_BYTES = 16;
const AUDIO_BYTES = 160; // padded: whatever is said, packets look alike
const LONG_AUDIO_BYTES = 320;
const VP8_KEY_CLEAR = 10; // RFC 7741 §4.3: frame tag, start code, size
const VP8_CLEAR = 3;

/** How many counters below the highest are still taken, each once. */
export const WINDOW = 1024;

/** RFC 9605 §4.4.2: key (32 bytes) and salt (12) of one sender and epoch. */
async function schedule(baseKey, kid) {
  const imported = await crypto.subtle.importKey("raw", baseKey, "HKDF", false, [
    "deriveBits",
  ]);
  const derive = async (label, size) => {
    const info = concat(utf8(label), be64(kid), be16(SUITE));
    const parameters = { name: "HKDF", hash: "SHA-512", salt: new Uint8Array(), info };
    return new Uint8Array(
      await crypto.subtle.deriveBits(parameters, imported, 8 * size),
    );
  };
  const key = await derive("SFrame 1.0 Secret key ", 32);
  const salt = await derive("SFrame 1.0 Secret salt ", 12);
  const usages = ["encrypt", "decrypt"];
  return {
    key: await crypto.subtle.importKey("raw", key, "AES-GCM", false, usages),
    salt,
  };
}

function parameters(salt, counter, additionalData) {
  const iv = concat(new Uint8Array(4), be64(counter));
  iv.forEach((byte, index) => (iv[index] = byte ^ salt[index]));
  return { name: "AES-GCM", iv, additionalData };
}

/** The shortest big-endian bytes of a number, as RFC 9605 §4.3 wants them. */
function minimal(number) {
  const bytes = be64(number);
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0));
}

/** RFC 9605 §4.3: X KKK Y CCC, then what did not fit into three bits. */
export function formatHeader(kid, counter) {
  const [kidBytes, counterBytes] = [kid, counter].map((n) =>
    n < 8 ? new Uint8Array() : minimal(n),
  );
  const nibble = (n, bytes) => (n < 8 ? n : 8 | (bytes.length - 1));
  return concat(
    u8((nibble(kid, kidBytes) << 4) | nibble(counter, counterBytes)),
    kidBytes,
    counterBytes,
  );
}

/** @returns {{kid: number, counter: number, size: number}} size of the header in bytes */
export function parseHeader(bytes) {
  let at = 1;
  const field = (nibble) => {
    if (nibble < 8) {
      return nibble;
    }
    const taken = bytes.subarray(at, at + (nibble & 7) + 1);
    at += (nibble & 7) + 1;
    return taken.reduce((number, byte) => number * 256 + byte, 0);
  };
  const kid = field(bytes[0] >> 4);
  const counter = field(bytes[0] & 15);
  if (!(at <= bytes.length) || !Number.isSafeInteger(kid + counter)) {
    throw new MalformedError("frame has no whole header");
  }
  return { kid, counter, size: at };
}

/** Seals what one sender sends in one epoch. */
export class Sealer {
  #secret;
  #kid;
  #counter = 0;

  /** @param {Uint8Array} baseKey 32 bytes @param {number} kid @returns {Promise<Sealer>} */
  static async of(baseKey, kid) {
    const made = new Sealer();
    made.#kid = kid;
    made.#secret = await schedule(baseKey, kid);
    return made;
  }

  /** @returns {Promise<Uint8Array>} header, ciphertext and tag */
  async seal(metadata, plaintext) {
    const counter = this.#counter++; // taken before anything waits, so never twice
    const header = formatHeader(this.#kid, counter);
    const how = parameters(this.#secret.salt, counter, concat(header, metadata));
    const sealed = await crypto.subtle.encrypt(how, this.#secret.key, plaintext);
    return concat(header, new Uint8Array(sealed));
  }
}

/** Opens what one sender sent in one epoch, each frame once. */
export class Opener {
  #secret;
  #seen = new Float64Array(WINDOW).fill(-1); // slot: the last counter that fell there
  #highest = -1;

  /** @param {Uint8Array} baseKey 32 bytes @param {number} kid @returns {Promise<Opener>} */
  static async of(baseKey, kid) {
    const made = new Opener();
    made.#secret = await schedule(baseKey, kid);
    return made;
  }

  /**
   * @param {Uint8Array} metadata
   * @param {Uint8Array} frame header, ciphertext and tag
   * @param {{counter: number, size: number}} header of this frame, parsed
   */
  async open(metadata, frame, { counter, size }) {
    this.#checkFresh(counter);
    const aad = concat(frame.subarray(0, size), metadata);
    const how = parameters(this.#secret.salt, counter, aad);
    let plaintext;
    try {
      plaintext = await crypto.subtle.decrypt(
        how,
        this.#secret.key,
        frame.subarray(size),
      );
    } catch {
      throw new MalformedError("frame was not sealed by the host");
    }
    this.#checkFresh(counter); // a copy may have come while this one was being opened
    this.#seen[counter % WINDOW] = counter;
    this.#highest = Math.max(this.#highest, counter);
    return new Uint8Array(plaintext);
  }

  #checkFresh(counter) {
    if (counter <= this.#highest - WINDOW || this.#seen[counter % WINDOW] === counter) {
      throw new MalformedError("frame came twice, or far too late");
    }
  }
}

/**
 * How many bytes at the start of a frame stay readable: browsers look at them to tell
 * key frames from others and to read the size of the picture.
 */
function clearSize(kind, data) {
  if (kind === AUDIO) {
    return 0;
  }
  const size = data[0] & 1 ? VP8_CLEAR : VP8_KEY_CLEAR; // RFC 6386 §9.1: 0 is a key frame
  if (data.length < size) {
    throw new MalformedError("picture shorter than its own header");
  }
  return size;
}

/** Seal one encoded frame of a stream. @returns {Promise<Uint8Array>} */
export async function sealFrame(sealer, kind, data) {
  const clear = data.subarray(0, clearSize(kind, data));
  const rest = data.subarray(clear.length);
  const body =
    kind === AUDIO
      ? pad(rest, rest.length <= AUDIO_BYTES - 2 ? AUDIO_BYTES : LONG_AUDIO_BYTES)
      : rest;
  return concat(clear, await sealer.seal(concat(u8(kind), clear), body));
}

/**
 * Open one frame of a stream.
 *
 * @param {(kid: number) => Opener | undefined} openerOf
 * @param {number} kind
 * @param {Uint8Array} data
 * @throws {MalformedError} what comes out must not be played
 */
export async function openFrame(openerOf, kind, data) {
  const clear = data.subarray(0, clearSize(kind, data));
  const frame = data.subarray(clear.length);
  if (frame.length < 1 + TAG_BYTES) {
    throw new MalformedError("frame too short to be sealed");
  }
  const header = parseHeader(frame);
  const opener = openerOf(header.kid);
  if (opener === undefined) {
    throw new MalformedError("frame sealed under a key we do not have");
  }
  const body = await opener.open(concat(u8(kind), clear), frame, header);
  return kind === AUDIO ? unpad(body) : concat(clear, body);
}
