/**
 * The one binary notation of everything the page sends, signs or seals.
 *
 * Integers are big-endian; a length prefix is one byte (lp8) or two (lp16). It is the
 * notation of all Ringfence formats; `voip/wire.py` is the same in Python.
 */

/** Bytes that have no meaning here, or a message that is not allowed now. */
export class MalformedError extends Error {}

/** @param {...Uint8Array} parts @returns {Uint8Array} */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** @param {string} text @returns {Uint8Array} UTF-8 */
export const utf8 = (text) => new TextEncoder().encode(text);

/** @param {number} number @returns {Uint8Array} */
export const u8 = (number) => Uint8Array.of(number);

/** @param {number} number @returns {Uint8Array} */
export const be16 = (number) => Uint8Array.of(number >>> 8, number);

/** @param {number} number @returns {Uint8Array} */
export const be32 = (number) =>
  Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);

/** @param {number} number below 2^53 @returns {Uint8Array} */
export const be64 = (number) =>
  concat(be32(Math.floor(number / 2 ** 32)), be32(number % 2 ** 32));

/** @param {Uint8Array} value at most 255 bytes @returns {Uint8Array} */
export const lp8 = (value) => concat(u8(value.length), value);

/** @param {Uint8Array} value at most 65535 bytes @returns {Uint8Array} */
export const lp16 = (value) => concat(be16(value.length), value);

/**
 * Hide the length of `body` in exactly `size` bytes.
 *
 * @param {Uint8Array} body at most `size` - 2 bytes
 * @param {number} size
 * @returns {Uint8Array}
 */
export function pad(body, size) {
  if (body.length > size - 2) {
    throw new MalformedError(`body of ${body.length} bytes does not fit in ${size}`);
  }
  const padded = new Uint8Array(size);
  padded.set(be16(body.length));
  padded.set(body, 2);
  return padded;
}

/** Undo `pad`. @param {Uint8Array} padded @returns {Uint8Array} */
export function unpad(padded) {
  const reader = new Reader(padded);
  const body = reader.lp16();
  // Anything but zeros would be a second spelling, or a covert channel.
  if (reader.rest().some((byte) => byte !== 0)) {
    throw new MalformedError("padding is not all zeros");
  }
  return body;
}

/** Takes a message apart from the front; every shortage is a MalformedError. */
export class Reader {
  #bytes;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
  }

  /** @param {number} size @returns {Uint8Array} */
  take(size) {
    if (this.#at + size > this.#bytes.length) {
      throw new MalformedError(`${size} bytes expected, the message ended`);
    }
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  #number(size) {
    return this.take(size).reduce((number, byte) => number * 256 + byte, 0);
  }

  u8() {
    return this.#number(1);
  }

  u16() {
    return this.#number(2);
  }

  u32() {
    return this.#number(4);
  }

  /** A number from 2^53 on is refused: it would be rounded. */
  u64() {
    const number = this.#number(8);
    if (!Number.isSafeInteger(number)) {
      throw new MalformedError("number beyond 2^53");
    }
    return number;
  }

  lp8() {
    return this.take(this.u8());
  }

  lp16() {
    return this.take(this.u16());
  }

  /** Text of at most `limit` bytes, strictly UTF-8. @param {number} limit */
  text(limit) {
    return decodeText(this.lp8(), limit);
  }

  rest() {
    return this.take(this.#bytes.length - this.#at);
  }

  /** Nothing may be left: a longer message is another message. */
  end() {
    if (this.#at !== this.#bytes.length) {
      throw new MalformedError(`${this.#bytes.length - this.#at} bytes too many`);
    }
  }
}

/** @param {Uint8Array} bytes @param {number} limit bytes @returns {string} */
export function decodeText(bytes, limit) {
  if (bytes.length > limit) {
    throw new MalformedError(`text of ${bytes.length} bytes, ${limit} allowed`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new MalformedError("text is not UTF-8");
  }
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567"; // RFC 4648 §6, lower case

/** @param {Uint8Array} bytes @returns {string} without padding */
export function base32(bytes) {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => BASE32[parseInt(group.padEnd(5, "0"), 2)]).join("");
}

/** Undo `base32`; a text that it would not have written is refused. */
export function parseBase32(text) {
  const indices = Array.from(text, (letter) => BASE32.indexOf(letter));
  const bits = indices
    .map((index) => (index & 31).toString(2).padStart(5, "0"))
    .join("");
  const whole = bits.match(/.{8}/g) ?? [];
  const bytes = Uint8Array.from(whole, (byte) => parseInt(byte, 2));
  if (indices.includes(-1) || base32(bytes) !== text) {
    throw new MalformedError("not base32, or a second spelling of it");
  }
  return bytes;
}

/** @param {Uint8Array} one @param {Uint8Array} other @returns {boolean} */
export const equal = (one, other) =>
  one.length === other.length && one.every((byte, index) => byte === other[index]);

/** @param {Uint8Array} bytes @returns {string} lower case */
export const hex = (bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
