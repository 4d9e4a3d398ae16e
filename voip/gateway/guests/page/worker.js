/**
 * Seals every frame that leaves the browser and opens every one that arrives.
 *
 * One worker serves all streams of the page, so there is one map of keys and one counter
 * per key. What cannot be sealed is not sent and what does not open is not played. The
 * browser hands frames in by WebRTC Encoded Transform (W3C); the page speaks to us in
 * the messages at the end of this file.
 */

import { Opener, Sealer, openFrame, sealFrame } from "./sframe.js";

const GUEST = 0;
const GATEWAY = 1;

const sealers = new Map(); // by epoch
const openers = new Map(); // by KID
let sendEpoch = 0;
let leg = 0;
let counts = new Map();

/** SFrame's KID of what `role` sends in `epoch`. */
const kidOf = (epoch, role) => 2 * epoch + role;

function countOf(kind, operation) {
  const name = `${operation} ${kind}`;
  if (!counts.has(name)) {
    counts.set(name, { kind, operation, sframe: 0, failed: 0 });
  }
  return counts.get(name);
}

const work = {
  async seal(kind, data) {
    const sealer = sealers.get(sendEpoch);
    // Without a key nothing is sent: a frame in clear must never pass for a sealed one.
    return sealer === undefined ? null : sealFrame(sealer, kind, data);
  },
  open: (kind, data) => openFrame((kid) => openers.get(kid), kind, data),
};

addEventListener("rtctransform", ({ transformer }) => {
  const { operation, kind, leg: ofLeg } = transformer.options;
  if (ofLeg !== leg) {
    [leg, counts] = [ofLeg, new Map()];
  }
  const count = countOf(kind, operation);

  const transform = async (frame, controller) => {
    let data;
    try {
      data = await work[operation](kind, new Uint8Array(frame.data));
    } catch {
      count.failed += 1; // whatever the reason, this frame ends here; the page judges
      return;
    }
    if (data === null) {
      return;
    }
    frame.data = data.slice().buffer; // `data` may be a part of something longer
    controller.enqueue(frame);
    count.sframe += 1;
    if (operation === "open" && count.sframe === 1) {
      postMessage({ type: "opened", kind, leg: ofLeg });
    }
  };

  transformer.readable
    .pipeThrough(new TransformStream({ transform }))
    .pipeTo(transformer.writable)
    .catch(() => postMessage({ type: "closed", leg: ofLeg }));
  postMessage({ type: "ready", leg: ofLeg });
});

const orders = {
  async keys({ epoch, guest, gateway }) {
    if (!sealers.has(epoch)) {
      sealers.set(epoch, await Sealer.of(guest, kidOf(epoch, GUEST)));
      const kid = kidOf(epoch, GATEWAY);
      openers.set(kid, await Opener.of(gateway, kid));
    }
    postMessage({ type: "installed", epoch });
  },
  send({ epoch }) {
    sendEpoch = epoch;
    sealers.delete(epoch - 1);
  },
  forget({ epoch }) {
    openers.delete(kidOf(epoch, GATEWAY));
  },
  count() {
    postMessage({ type: "counts", leg, counts: [...counts.values()] });
  },
};

addEventListener("message", ({ data }) => orders[data.type](data));
