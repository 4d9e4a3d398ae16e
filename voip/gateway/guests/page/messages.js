/**
 * What guest and gateway say to each other once they share keys.
 *
 *     control = u64 seq | u64 ack | u8 type | fields          PING and PONG have seq 0
 *
 * A message here is a plain object with `type`, one of the names of `TYPE`. Everything
 * that came from the gateway is bounded as it is read; a type that we do not know is
 * acknowledged and ignored, so that later versions may add some. To the byte:
 * docs/formats/guest.md.
 */

import {
  MalformedError,
  Reader,
  be16,
  be32,
  be64,
  concat,
  decodeText,
  lp16,
  lp8,
  u8,
  utf8,
} from "./bytes.js";

const TYPE = {
  CONFIRM: 1,
  ALERTING: 2,
  ACCEPT: 3,
  HANGUP: 5,
  STATE: 9,
  REKEY: 10,
  REKEY_ACK: 11,
  SAS_RESULT: 12,
  PING: 13,
  PONG: 14,
  LEGS: 21,
  LEGS_ACK: 22,
  DIGITS: 23,
  LEG_END: 25,
  OFFER: 32,
  ANSWER: 33,
  COUNTS: 34,
  NOTICE: 35,
  PRESENT: 36,
};

/** Why a call ends: the codes of HANGUP. */
export const REASON = {
  NORMAL: 1,
  DECLINED: 2,
  BUSY: 3,
  TIMEOUT: 6,
  SECURITY: 7,
  LOST: 8,
};

export const MAX_SDP_BYTES = 24 * 1024;
const NO_DEVICE = new Uint8Array(16); // HANGUP names a device; a guest has none
const MAX_TURN_SERVERS = 4;
const MAX_LEGS = 8;
const MAX_PRESENT = 16;
const MAX_COUNTS = 6; // three kinds, two directions
const MATCH = 1;
const DIFFER = 2;

const WRITE = {
  CONFIRM: ({ nonce }) => nonce,
  HANGUP: ({ reason }) => concat(u8(reason), NO_DEVICE),
  STATE: ({ version, muted, video, screen }) =>
    concat(be32(version), u8((muted << 1) | (video << 2) | (screen << 3))),
  REKEY_ACK: ({ fields }) => fields,
  SAS_RESULT: ({ isMatch }) => u8(isMatch ? MATCH : DIFFER),
  PING: ({ t }) => be64(t),
  PONG: ({ t }) => be64(t),
  LEGS_ACK: ({ version, isShown }) => concat(be32(version), u8(isShown ? 1 : 2)),
  DIGITS: ({ leg, digits }) => concat(u8(leg), lp8(utf8(digits))),
  OFFER: ({ sdp }) => lp16(utf8(sdp)),
  COUNTS: ({ counts }) =>
    concat(
      u8(counts.length),
      ...counts.map((each) =>
        concat(
          u8(each.kind),
          u8(each.direction),
          be32(each.sframe),
          be32(each.failed),
          be32(each.rtp),
        ),
      ),
    ),
};

/** @param {number} limit @param {(reader: Reader) => any} read */
function several(reader, limit, read) {
  const count = reader.u8();
  if (count > limit) {
    throw new MalformedError(`${count} entries, ${limit} allowed`);
  }
  return Array.from({ length: count }, () => read(reader));
}

const readTurnServer = (reader) => ({
  urls: reader.text(255),
  username: reader.text(255),
  credential: reader.text(255),
});

const readLeg = (reader) => ({
  id: reader.u8(),
  kind: reader.u8(),
  mark: reader.u8(),
  flags: reader.u8(),
  state: reader.u8(),
  host: reader.text(64),
  suite: reader.text(40),
  name: reader.text(48),
});

const readCount = (reader) => ({
  kind: reader.u8(),
  direction: reader.u8(),
  sframe: reader.u32(),
  failed: reader.u32(),
  rtp: reader.u32(),
});

const READ = {
  ALERTING: () => ({}),
  ACCEPT: (reader) => ({ servers: several(reader, MAX_TURN_SERVERS, readTurnServer) }),
  HANGUP: (reader) => ({ reason: reader.u8(), device: reader.take(16) }),
  STATE: (reader) => ({ version: reader.u32(), bits: reader.u8() }),
  REKEY: (reader) => ({ epoch: reader.u32(), key: reader.take(32).slice() }),
  SAS_RESULT: (reader) => ({ isMatch: reader.u8() === MATCH }),
  PING: (reader) => ({ t: reader.u64() }),
  PONG: (reader) => ({ t: reader.u64() }),
  LEGS: (reader) => ({
    version: reader.u32(),
    legs: several(reader, MAX_LEGS, readLeg),
  }),
  LEG_END: (reader) => ({
    id: reader.u8(),
    reason: reader.u8(),
    status: reader.u16(),
    text: reader.text(64),
  }),
  ANSWER: (reader) => ({ sdp: decodeText(reader.lp16(), MAX_SDP_BYTES) }),
  COUNTS: (reader) => ({ counts: several(reader, MAX_COUNTS, readCount) }),
  NOTICE: (reader) => ({ code: reader.u8() }),
  PRESENT: (reader) => ({
    names: several(reader, MAX_PRESENT, (each) => each.text(48)),
  }),
};

const NAMES = new Map(Object.entries(TYPE).map(([name, code]) => [code, name]));

/** Whether a message takes a place in the sender's sequence. */
export const isCounted = ({ type }) => type !== "PING" && type !== "PONG";

/** @returns {Uint8Array} */
export const formatControl = (seq, ack, message) =>
  concat(be64(seq), be64(ack), u8(TYPE[message.type]), WRITE[message.type](message));

/**
 * @param {Uint8Array} bytes
 * @returns {{seq: number, ack: number, message: {type: string}}}
 * @throws {MalformedError} anything the gateway would not have written
 */
export function parseControl(bytes) {
  const reader = new Reader(bytes);
  const [seq, ack, code] = [reader.u64(), reader.u64(), reader.u8()];
  const type = NAMES.get(code);
  let message = { type: "UNKNOWN" };
  if (type !== undefined) {
    if (READ[type] === undefined) {
      throw new MalformedError(`${type} is not for a guest`);
    }
    message = { type, ...READ[type](reader) };
    reader.end();
  }
  if (isCounted(message) !== seq > 0) {
    throw new MalformedError(`${type} with place ${seq}`);
  }
  return { seq, ack, message };
}
