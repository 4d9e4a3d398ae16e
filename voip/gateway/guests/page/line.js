/**
 * The sealed line to the gateway: messages in order, each once, over sockets that die.
 *
 *     socket     HELLO -> REPLY, then sealed messages; a later one: RESUME, then those
 *     message    nonce 12 | AES-256-GCM( signal(role), nonce, padded(control, N) )
 *
 * On one socket nothing is lost, so nothing is sent twice. After RESUME on a new one
 * everything that was not acknowledged leaves again, under its old number.
 */

import { MalformedError, concat, pad, u8, unpad } from "./bytes.js";
import { GATEWAY, GUEST } from "./noise.js";
import { formatControl, isCounted, parseControl } from "./messages.js";

const PATH = "/ringfence/guest/1";
const RESUME = 2;
const NONCE_BYTES = 12;
const STEP_BYTES = 256; // lengths of messages are rounded up to this
const MAX_BYTES = 32768;
const MAX_OPEN = 64; // the other side keeps no more out of order
const REPLY_MS = 10_000;
const RETRY_MS = [250, 500, 1000, 2000, 4000];
const RESUME_MS = 30_000; // then the gateway has given the call up
const QUIET_MS = 5_000; // the line is tried when nothing came for so long
const DEAD_MS = 10_000;

/** The gateway closed the line and said why: `code` is WebSocket's. */
export class ClosedError extends Error {
  constructor(code) {
    super(`closed with ${code}`);
    this.code = code;
  }
}

/** A socket that is open. @returns {Promise<WebSocket>} */
function openSocket() {
  const url = new URL(PATH, location.origin);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onclose = ({ code }) => reject(new ClosedError(code));
  });
}

/** Wait for one message. @param {WebSocket} socket @returns {Promise<Uint8Array>} */
function firstMessage(socket) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.close(), REPLY_MS);
    socket.onmessage = ({ data }) => {
      clearTimeout(timer);
      socket.onmessage = null;
      resolve(new Uint8Array(data));
    };
    socket.onclose = ({ code }) => {
      clearTimeout(timer);
      reject(new ClosedError(code));
    };
  });
}

/**
 * Do the handshake on a new socket.
 *
 * @param {import("./noise.js").Handshake} handshake
 * @param {Uint8Array} hello
 * @returns {Promise<{socket: WebSocket, keys: import("./noise.js").Keys}>}
 * @throws {ClosedError | MalformedError}
 */
export async function greet(handshake, hello) {
  const socket = await openSocket();
  socket.send(hello);
  return { socket, keys: await handshake.finish(await firstMessage(socket)) };
}

async function aesKey(raw, usage) {
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, [usage]);
}

/** A call's messages, whatever socket carries them. */
export class Line {
  #socket;
  #sealKey;
  #openKey;
  #resumeId;
  #handle;
  #lost;
  #lastSeq = 0;
  #received = 0;
  #waiting = []; // counted messages that were not acknowledged: {seq, message}
  #work = Promise.resolve(); // sealing takes its time; messages keep their order
  #heardAt = performance.now();
  #isOver = false;
  #clock;

  /**
   * @param {{socket: WebSocket, keys: import("./noise.js").Keys}} greeted
   * @param {(message: object, ack: number) => Promise<void>} handle takes messages in order
   * @param {(error: Error | null) => void} lost what ended the line, called once; null:
   *   the way is gone
   */
  static async over({ socket, keys }, handle, lost) {
    const line = new Line();
    line.#sealKey = await aesKey(await keys.signal(GUEST), "encrypt");
    line.#openKey = await aesKey(await keys.signal(GATEWAY), "decrypt");
    line.#resumeId = await keys.resumeId();
    [line.#handle, line.#lost] = [handle, lost];
    line.#use(socket);
    line.#clock = setInterval(() => line.#watch(), 1000);
    return line;
  }

  /** Whether messages get through now. */
  get isUp() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Queue a message.
   *
   * @returns {number} its place in our sequence; `handle` gets the gateway's `ack`
   */
  send(message) {
    if (!isCounted(message)) {
      this.#seal(0, message);
      return 0;
    }
    if (this.#waiting.length >= MAX_OPEN) {
      this.#end(null);
      return this.#lastSeq;
    }
    this.#lastSeq += 1;
    this.#waiting.push({ seq: this.#lastSeq, message });
    this.#seal(this.#lastSeq, message);
    return this.#lastSeq;
  }

  /** Say the last message and close, once it has left. */
  async close(message) {
    if (this.#isOver) {
      return;
    }
    this.send(message);
    this.#stop();
    await this.#work;
    this.#socket?.close(1000);
  }

  #stop() {
    this.#isOver = true;
    clearInterval(this.#clock);
  }

  #end(error) {
    if (!this.#isOver) {
      this.#stop();
      this.#socket?.close();
      this.#lost(error);
    }
  }

  #use(socket) {
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.onmessage = ({ data }) => {
      this.#heardAt = performance.now();
      this.#later(() => this.#open(new Uint8Array(data)));
    };
    socket.onclose = ({ code }) => {
      if (this.#socket === socket && !this.#isOver) {
        this.#socket = null;
        // 4000 and above are the gateway's own words: it will not have us back.
        this.#later(() =>
          code >= 4000 ? this.#end(new ClosedError(code)) : this.#resume(),
        );
      }
    };
  }

  #later(step) {
    this.#work = this.#work.then(step).catch((error) => this.#end(error));
  }

  #seal(seq, message) {
    this.#later(async () => {
      const control = formatControl(seq, this.#received, message);
      const size = Math.ceil((control.length + 2) / STEP_BYTES) * STEP_BYTES;
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const how = { name: "AES-GCM", iv };
      const sealed = await crypto.subtle.encrypt(
        how,
        this.#sealKey,
        pad(control, size),
      );
      if (this.isUp) {
        this.#socket.send(concat(iv, new Uint8Array(sealed)));
      }
    });
  }

  async #open(bytes) {
    if (bytes.length > MAX_BYTES + NONCE_BYTES + 16) {
      throw new MalformedError(`message of ${bytes.length} bytes`);
    }
    const how = { name: "AES-GCM", iv: bytes.subarray(0, NONCE_BYTES) };
    const opened = await crypto.subtle
      .decrypt(how, this.#openKey, bytes.subarray(NONCE_BYTES))
      .catch(() => {
        throw new MalformedError("a message was changed on its way");
      });
    const { seq, ack, message } = parseControl(unpad(new Uint8Array(opened)));
    if (ack > this.#lastSeq || seq > this.#received + 1) {
      throw new MalformedError("a message is missing, or answers what was never said");
    }
    this.#waiting = this.#waiting.filter((each) => each.seq > ack);
    if (seq !== 0 && seq <= this.#received) {
      return; // sent again after RESUME; we had it
    }
    this.#received = Math.max(this.#received, seq);
    if (message.type === "PING" && message.t !== 0) {
      this.send({ type: "PONG", t: message.t });
    }
    if (!this.#isOver) {
      await this.#handle(message, ack);
    }
  }

  async #resume() {
    const since = performance.now();
    for (let turn = 0; !this.#isOver; turn += 1) {
      try {
        const socket = await openSocket();
        socket.send(concat(u8(RESUME), this.#resumeId));
        this.#use(socket);
        this.#waiting.forEach(({ seq, message }) => this.#seal(seq, message));
        return;
      } catch (error) {
        if (error.code >= 4000) {
          this.#end(error);
        } else if (performance.now() - since > RESUME_MS) {
          this.#end(null);
        }
      }
      const wait = RETRY_MS[Math.min(turn, RETRY_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  /** A way that is gone says nothing; only silence shows it. */
  #watch() {
    const quiet = performance.now() - this.#heardAt;
    if (this.isUp && quiet > DEAD_MS) {
      const dead = this.#socket;
      dead.onclose({ code: 1006 }); // the browser itself would wait for minutes
      dead.onmessage = null;
      dead.close();
    } else if (this.isUp && quiet > QUIET_MS) {
      this.send({ type: "PING", t: Math.floor(performance.now()) + 1 });
    }
  }
}
