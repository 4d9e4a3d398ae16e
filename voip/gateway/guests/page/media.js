/**
 * One media connection: WebRTC with every frame sealed by our worker.
 *
 * Transforms are set right after the streams are added, before anything is known of the
 * other side: Chromium ignores one that comes later, without an error
 * (w3c/webrtc-encoded-transform#314). The offer leaves only when the worker says that
 * each of them runs. Source: WebRTC 1.0 and WebRTC Encoded Transform (W3C).
 */

import { MalformedError, equal } from "./bytes.js";
import { AUDIO, VIDEO } from "./sframe.js";
import { RECEIVED, SENT } from "./tally.js";

const GATHER_MS = 2_000; // what is found later is not worth the wait
const READY_MS = 3_000;
const CODECS = { audio: ["audio/opus"], video: ["video/vp8", "video/rtx"] };

/** Bound into the handshake, so one for all connections of a call. */
export const makeCertificate = () =>
  RTCPeerConnection.generateCertificate({ name: "ECDSA", namedCurve: "P-256" });

/** @param {RTCCertificate} certificate @returns {Uint8Array} SHA-256, 32 bytes */
export function fingerprintOf(certificate) {
  const { value } = certificate
    .getFingerprints()
    .find(({ algorithm }) => algorithm === "sha-256");
  return Uint8Array.from(value.split(":"), (pair) => parseInt(pair, 16));
}

/**
 * Every fingerprint in an answer must be the one of the handshake: else whoever wrote it
 * could put himself in between.
 *
 * @param {string} sdp
 * @param {Uint8Array} bound SHA-256, 32 bytes
 */
export function checkFingerprints(sdp, bound) {
  const lines = sdp.split(/\r?\n/).filter((line) => /^a=fingerprint:/i.test(line));
  const isBound = (line) => {
    const [, value] =
      /^a=fingerprint:sha-256 ([0-9a-f:]{95})$/i.exec(line.trim()) ?? [];
    const pairs = value?.split(":") ?? [];
    return equal(
      Uint8Array.from(pairs, (pair) => parseInt(pair, 16)),
      bound,
    );
  };
  if (lines.length === 0 || !lines.every(isBound)) {
    throw new MalformedError("the answer names a certificate that was not agreed on");
  }
}

/** Starts the worker; the one string that may become a script's address is ours. */
export function startWorker() {
  const path = "/worker.js";
  // Firefox before Trusted Types takes the path as it is.
  const policy = globalThis.trustedTypes?.createPolicy("ringfence", {
    createScriptURL(url) {
      if (url !== path) {
        throw new TypeError("no other script may be loaded");
      }
      return url;
    },
  });
  return new Worker(policy?.createScriptURL(path) ?? path, { type: "module" });
}

/** The page's end of the worker: orders out, counts back. */
export class SealingRoom {
  #worker = startWorker();
  #answers = new Map(); // by type of the worker's message: who waits for it
  /** Set by the call: the first frame of a kind was opened. */
  onopened = () => {};
  /** Set by the connection: one more transform runs. */
  onready = () => {};

  constructor() {
    this.#worker.onmessage = ({ data }) => {
      if (data.type === "opened") {
        this.onopened(data);
      } else if (data.type === "ready") {
        this.onready(data);
      } else {
        this.#answers.get(data.type)?.(data);
        this.#answers.delete(data.type);
      }
    };
  }

  #ask(order, answer) {
    return new Promise((resolve) => {
      this.#answers.set(answer, resolve);
      this.#worker.postMessage(order);
    });
  }

  /** @param {number} epoch @param {{guest: Uint8Array, gateway: Uint8Array}} keys */
  install(epoch, keys) {
    return this.#ask({ type: "keys", epoch, ...keys }, "installed");
  }

  /** Seal with this epoch's key from now on. */
  sendWith(epoch) {
    this.#worker.postMessage({ type: "send", epoch });
  }

  forget(epoch) {
    this.#worker.postMessage({ type: "forget", epoch });
  }

  async counts() {
    return this.#ask({ type: "count" }, "counts");
  }

  transform(operation, kind, leg) {
    return new RTCRtpScriptTransform(this.#worker, { operation, kind, leg });
  }

  stop() {
    this.#worker.terminate();
  }
}

/**
 * Wait until all transforms of a connection run: one that does not would let frames
 * through unsealed. About one that stays silent the counters decide.
 */
const running = (room, leg, expected) =>
  new Promise((resolve) => {
    let ready = 0;
    room.onready = (event) => {
      ready += event.leg === leg ? 1 : 0;
      if (ready === expected) {
        resolve(undefined);
      }
    };
    setTimeout(resolve, READY_MS);
  });

/** One RTCPeerConnection of the call; after a loss there is a new one. */
export class Media {
  #connection;
  #room;
  #leg;
  #transformed;
  #audio;
  #video = null;

  /**
   * @param {SealingRoom} room
   * @param {{leg: number, certificate: RTCCertificate, servers: object[],
   *   withVideo: boolean}} how `leg` counts the connections of this call
   */
  constructor(room, { leg, certificate, servers, withVideo }) {
    [this.#room, this.#leg] = [room, leg];
    this.#transformed = running(room, leg, withVideo ? 4 : 2);
    this.#connection = new RTCPeerConnection({
      certificates: [certificate],
      iceServers: servers,
      bundlePolicy: "max-bundle",
    });
    this.#connection.onconnectionstatechange = () =>
      this.onstate(this.#connection.connectionState);
    this.#audio = this.#add("audio", AUDIO);
    if (withVideo) {
      this.#video = this.#add("video", VIDEO);
    }
  }

  /** Set by the call: WebRTC's connection state changed. */
  onstate = () => {};

  #add(name, kind) {
    const stream = this.#connection.addTransceiver(name, { direction: "sendrecv" });
    stream.sender.transform = this.#room.transform("seal", kind, this.#leg);
    stream.receiver.transform = this.#room.transform("open", kind, this.#leg);
    const codecs = RTCRtpReceiver.getCapabilities(name).codecs.filter(({ mimeType }) =>
      CODECS[name].includes(mimeType.toLowerCase()),
    );
    stream.setCodecPreferences(codecs);
    return stream;
  }

  /** What the host sends, to be played. @returns {MediaStreamTrack[]} */
  get tracks() {
    return [this.#audio, this.#video]
      .filter(Boolean)
      .map(({ receiver }) => receiver.track);
  }

  /** Change what is sent; nothing else changes by it. Null sends nothing. */
  async use(kind, track) {
    await (kind === "audio" ? this.#audio : this.#video)?.sender.replaceTrack(track);
  }

  /** @returns {Promise<string>} an offer that names all our addresses */
  async offer() {
    await this.#transformed;
    await this.#connection.setLocalDescription();
    await new Promise((resolve) => {
      setTimeout(resolve, GATHER_MS);
      const look = () =>
        this.#connection.iceGatheringState === "complete" && resolve(undefined);
      this.#connection.onicegatheringstatechange = look;
      look();
    });
    return this.#connection.localDescription.sdp;
  }

  /** @param {string} sdp @param {Uint8Array} bound the gateway's fingerprint */
  async answer(sdp, bound) {
    checkFingerprints(sdp, bound);
    await this.#connection.setRemoteDescription({ type: "answer", sdp });
  }

  /**
   * What WebRTC counted and what our worker did, per stream.
   *
   * @returns {Promise<{counts: import("./tally.js").Count[], lost: number, came: number}>}
   *   `lost` and `came`: packets of sound on their way to us
   */
  async counts() {
    const { leg, counts } = await this.#room.counts();
    const stats = [...(await this.#connection.getStats()).values()];
    const ofType = (type, kind) =>
      stats.find((each) => each.type === type && each.kind === kind) ?? {};
    const sound = ofType("inbound-rtp", "audio");
    const rtp = {
      "seal 1": ofType("outbound-rtp", "audio").packetsSent,
      "open 1": sound.packetsReceived,
      "seal 2": ofType("outbound-rtp", "video").framesSent,
      "open 2": ofType("inbound-rtp", "video").framesReceived,
    };
    const streams = this.#video === null ? [AUDIO] : [AUDIO, VIDEO];
    const list = streams.flatMap((kind) =>
      [
        ["seal", SENT],
        ["open", RECEIVED],
      ].map(([operation, direction]) => {
        const done = counts.find(
          (each) =>
            leg === this.#leg && each.kind === kind && each.operation === operation,
        );
        const { sframe = 0, failed = 0 } = done ?? {};
        return {
          kind,
          direction,
          sframe,
          failed,
          rtp: rtp[`${operation} ${kind}`] ?? 0,
        };
      }),
    );
    return {
      counts: list,
      lost: sound.packetsLost ?? 0,
      came: sound.packetsReceived ?? 0,
    };
  }

  close() {
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }
}
