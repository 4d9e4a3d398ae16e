/**
 * One call, from the handshake to its end.
 *
 *     HELLO, REPLY, CONFIRM    now both sides have keys, and words to compare
 *     [ALERTING] ACCEPT        a person at the other side lets us in
 *     OFFER, ANSWER            media; again after the way was lost
 *     COUNTS, REKEY, LEGS ...  until HANGUP
 *
 * The call tells `show` what happened and never touches the page itself. Every promise
 * that may fail ends the call: what is wrong with the protection is never passed over.
 */

import { MalformedError, utf8 } from "./bytes.js";
import { ClosedError, Line, greet } from "./line.js";
import { Media, SealingRoom, fingerprintOf, makeCertificate } from "./media.js";
import { REASON } from "./messages.js";
import {
  GATEWAY,
  GUEST,
  Handshake,
  checkWordList,
  makeKeyPair,
  rekeyed,
  sframeKey,
  words,
} from "./noise.js";
import { Tally } from "./tally.js";

const AUDIO_ONLY = 1;
const AUDIO_AND_VIDEO = 3;
const MAX_NAME_BYTES = 48;
const LOOK_MS = 500; // a stream without sealing is found within two seconds
const WINDOW_LOOKS = 4; // counters are compared every two seconds
const OLD_KEY_MS = 10_000; // frames of the epoch before may still be on their way
const UNSURE_MS = 4_000; // WebRTC says "disconnected" also of a short gap
const STALLED_MS = 6_000; // the host's sound never pauses; silence is sent, too
const LOST_MS = 30_000;
const AGAIN_MS = 3_000; // a way that is gone may fail at once, again and again
const OPENED_AGAIN = 1;

/** Why HANGUP says it ended, as the name of an ending the page has words for. */
const ENDINGS = new Map([
  [REASON.NORMAL, "over"],
  [REASON.DECLINED, "declined"],
  [REASON.BUSY, "busy"],
  [REASON.TIMEOUT, "timeout"],
  [REASON.SECURITY, "security"],
  [REASON.LOST, "lost"],
]);

/** The gateway's close codes, likewise. */
const REFUSALS = new Map([
  [4400, "refused"],
  [4403, "refused"],
  [4404, "expired"],
  [4408, "unreachable"],
  [4409, "used"],
  [4410, "lost"],
  [4429, "busy"],
]);

/** As much of a name as the handshake has room for, cut between letters. */
function cutName(name) {
  const letters = Array.from(name.trim());
  while (utf8(letters.join("")).length > MAX_NAME_BYTES) {
    letters.pop();
  }
  return letters.join("");
}

export class Call {
  name = ""; // as it was sent, and so as it is listed
  #show;
  #own;
  #room = new SealingRoom();
  #line = null;
  #host = null;
  #certificate;
  #callSecret;
  #epoch = 0;
  #nextEpoch = null; // agreed on, not yet used for sending: {epoch, seq}
  #servers = [];
  #media = null;
  #tally = null;
  #leg = 0;
  #unanswered = 0; // offers whose answer is still to come
  #theirs = []; // the gateway's newest counts of this connection
  #hasRetried = false;
  #stateVersion = 0;
  #clock = 0;
  #lookNumber = 0;
  #heard = { lost: 0, came: 0 };
  #flow = { came: 0, at: Infinity }; // packets of sound, and when there last were more
  #unsure = 0;
  #lostTimer = 0;
  #madeAt = 0; // when the newest connection was begun
  #nextTimer = 0; // until the next one may be
  #isOver = false;

  /**
   * @param {import("./own.js").Own} own what we send
   * @param {object} show told what happens: host, door, accepted, connected, opened,
   *   tracks, alerting, reconnecting, present, legs, legEnded, hostState, hostWords,
   *   openedAgain, way, quality, ended
   */
  constructor(own, show) {
    [this.#own, this.#show] = [own, show];
    this.#room.onopened = ({ kind, leg }) => leg === this.#leg && show.opened(kind);
  }

  /**
   * Ask to be let in.
   *
   * @param {Uint8Array} secret of the link, 32 bytes
   * @param {string} name what we call ourselves
   */
  async start(secret, name) {
    this.name = cutName(name);
    await this.#guarded(async () => {
      this.#certificate = await makeCertificate();
      const nonce = crypto.getRandomValues(new Uint8Array(32));
      const handshake = new Handshake(await makeKeyPair(), nonce);
      const hello = await handshake.hello(secret, location.origin, {
        fingerprint: fingerprintOf(this.#certificate),
        media: AUDIO_AND_VIDEO,
        name: this.name,
      });
      const greeted = await greet(handshake, hello);
      const { keys } = greeted;
      this.#host = keys.host;
      this.#callSecret = await keys.callSecret();
      await this.#installKeys();
      const list = await (await fetch("/words.txt")).arrayBuffer();
      await checkWordList(list);
      this.#show.host({
        alias: keys.host.alias,
        withVideo: this.#withVideo,
        words: words(await keys.sas(), new TextDecoder().decode(list)),
      });
      this.#line = await Line.over(
        greeted,
        (message, ack) => this.#handle(message, ack),
        (error) => this.#fail(error),
      );
      this.#line.send({ type: "CONFIRM", nonce });
      this.#show.door();
    });
  }

  get #withVideo() {
    return this.#host.media === AUDIO_AND_VIDEO;
  }

  /** Tell the host what became of the words; if they differ, somebody is in between. */
  compare(isMatch) {
    this.#line.send({ type: "SAS_RESULT", isMatch });
    if (!isMatch) {
      this.#finish("differ", REASON.SECURITY);
    }
  }

  /** Answer a list of legs, once it is on the screen. */
  answerLegs(version, isShown) {
    this.#line.send({ type: "LEGS_ACK", version, isShown });
  }

  /** Press keys of a telephone. @param {number} leg @param {string} digits */
  press(leg, digits) {
    this.#line.send({ type: "DIGITS", leg, digits });
  }

  /** Tell the host what we send now. */
  sayState() {
    if (this.#media !== null) {
      this.#stateVersion += 1;
      this.#line.send({
        type: "STATE",
        version: this.#stateVersion,
        muted: this.#own.isMuted || this.#own.microphone === null,
        video: this.#withVideo && this.#own.camera !== null,
        screen: this.#withVideo && this.#own.screen !== null,
      });
    }
  }

  hangUp() {
    this.#finish("left", REASON.NORMAL);
  }

  /** Run a step; whatever goes wrong in it ends the call. */
  async #guarded(step) {
    try {
      await step();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    if (error === null) {
      this.#finish("lost", REASON.LOST);
    } else if (error instanceof ClosedError) {
      const isCall = this.#line !== null;
      this.#finish(REFUSALS.get(error.code) ?? (isCall ? "lost" : "unreachable"), null);
    } else if (error instanceof MalformedError) {
      this.#finish("security", REASON.SECURITY, error.message);
    } else {
      this.#finish("broken", REASON.LOST, `${error.name}: ${error.message}`);
    }
  }

  #finish(ending, reason, detail = "") {
    if (this.#isOver) {
      return;
    }
    this.#isOver = true;
    clearInterval(this.#clock);
    clearTimeout(this.#unsure);
    clearTimeout(this.#lostTimer);
    clearTimeout(this.#nextTimer);
    this.#own.stop();
    this.#media?.close();
    this.#room.stop();
    if (reason !== null) {
      this.#line?.close({ type: "HANGUP", reason });
    }
    this.#show.ended(ending, detail);
  }

  async #handle(message, ack) {
    this.#useNextEpoch(ack);
    await this.#takes[message.type]?.(message);
  }

  #takes = {
    ALERTING: () => this.#show.alerting(),
    ACCEPT: ({ servers }) => this.#accepted(servers),
    ANSWER: ({ sdp }) => this.#answered(sdp),
    HANGUP: ({ reason }) => this.#finish(ENDINGS.get(reason) ?? "over", null),
    REKEY: (rekey) => this.#rekey(rekey),
    STATE: ({ bits }) =>
      this.#show.hostState({
        isHeld: bits & 1,
        isMuted: bits & 2,
        hasPicture: bits & 12,
      }),
    SAS_RESULT: ({ isMatch }) =>
      isMatch ? this.#show.hostWords() : this.#finish("differ", REASON.SECURITY),
    LEGS: ({ version, legs }) => this.#show.legs(version, legs),
    LEG_END: (end) => this.#show.legEnded(end),
    PRESENT: ({ names }) => this.#show.present(names),
    NOTICE: ({ code }) => code === OPENED_AGAIN && this.#show.openedAgain(),
    COUNTS: ({ counts }) => {
      this.#theirs = this.#unanswered === 0 ? counts : []; // else of the one before
    },
  };

  #accepted(servers) {
    this.#servers = servers; // for this connection, or the next
    if (this.#media !== null) {
      return;
    }
    this.#show.accepted();
    this.#own.onsend = (kind) => {
      this.#guarded(() => this.#media.use(kind, this.#own.track(kind)));
      this.sayState();
    };
    this.#connect();
    this.sayState();
    this.#clock = setInterval(() => this.#guarded(() => this.#look()), LOOK_MS);
  }

  /** Make a media connection, the first or another one. */
  #connect() {
    this.#madeAt = performance.now();
    this.#leg += 1;
    const leg = this.#leg;
    this.#media?.close();
    this.#tally = new Tally();
    this.#theirs = [];
    this.#heard = { lost: 0, came: 0 };
    this.#flow = { came: 0, at: Infinity };
    const media = new Media(this.#room, {
      leg,
      certificate: this.#certificate,
      servers: this.#servers,
      withVideo: this.#withVideo,
    });
    this.#media = media;
    media.onstate = (state) => this.#stateOf(state);
    this.#waitNoLonger();
    this.#guarded(async () => {
      await media.use("audio", this.#own.track("audio"));
      await media.use("video", this.#own.track("video"));
      const sdp = await media.offer();
      if (leg === this.#leg && !this.#isOver) {
        this.#unanswered += 1;
        this.#line.send({ type: "OFFER", sdp });
      }
    });
  }

  async #answered(sdp) {
    this.#unanswered -= 1;
    if (this.#unanswered < 0) {
      throw new MalformedError("an answer to no question");
    }
    if (this.#unanswered === 0) {
      // First, for frames may be opened before the answer's promise is kept.
      this.#show.tracks(this.#media.tracks);
      await this.#media.answer(sdp, this.#host.fingerprint);
    }
  }

  #stateOf(state) {
    clearTimeout(this.#unsure);
    if (state === "connected") {
      clearTimeout(this.#lostTimer);
      this.#lostTimer = 0;
      this.#flow.at = performance.now();
      this.#show.connected();
    } else if (state === "failed") {
      this.#again();
    } else if (state === "disconnected") {
      this.#unsure = setTimeout(() => this.#again(), UNSURE_MS);
    }
  }

  /** Make another connection: not many a second, and once the offer can leave. */
  #again() {
    if (this.#nextTimer !== 0) {
      return;
    }
    this.#show.reconnecting();
    this.#waitNoLonger();
    const connect = () => {
      this.#nextTimer = this.#line.isUp ? 0 : setTimeout(connect, LOOK_MS);
      if (this.#nextTimer === 0) {
        this.#connect();
      }
    };
    const early = AGAIN_MS - (performance.now() - this.#madeAt);
    this.#nextTimer = setTimeout(connect, Math.max(0, early));
  }

  /** From now on, 30 seconds without a way are the end. */
  #waitNoLonger() {
    this.#lostTimer ||= setTimeout(() => this.#fail(null), LOST_MS);
  }

  async #installKeys() {
    const epoch = this.#epoch;
    await this.#room.install(epoch, {
      guest: await sframeKey(this.#callSecret, GUEST, epoch),
      gateway: await sframeKey(this.#callSecret, GATEWAY, epoch),
    });
  }

  /** New keys: we can open with them at once, and seal once the host can open. */
  async #rekey({ epoch, key }) {
    if (epoch !== this.#epoch + 1 || this.#nextEpoch !== null) {
      throw new MalformedError(`keys ${epoch} after keys ${this.#epoch}`);
    }
    const next = await rekeyed(this.#callSecret, { epoch, key }, await makeKeyPair());
    [this.#callSecret, this.#epoch] = [next.callSecret, epoch];
    await this.#installKeys();
    const seq = this.#line.send({ type: "REKEY_ACK", fields: next.answer });
    this.#nextEpoch = { epoch, seq };
  }

  #useNextEpoch(ack) {
    if (this.#nextEpoch !== null && ack >= this.#nextEpoch.seq) {
      const { epoch } = this.#nextEpoch;
      this.#nextEpoch = null;
      this.#room.sendWith(epoch);
      setTimeout(() => this.#room.forget(epoch - 1), OLD_KEY_MS);
    }
  }

  /** Compare what WebRTC carried with what was sealed and opened. */
  async #look() {
    const [leg, media] = [this.#leg, this.#media];
    const { counts, lost, came } = await media.counts();
    if (leg !== this.#leg || this.#isOver) {
      return;
    }
    if (this.#tally.isBypassed(counts, performance.now())) {
      // Chromium misses a transform once in some hundred calls; twice is no accident.
      if (this.#hasRetried) {
        throw new MalformedError("the browser sends or plays without sealing");
      }
      this.#hasRetried = true;
      this.#connect();
      return;
    }
    if (this.#isStalled(came)) {
      this.#again();
      return;
    }
    this.#lookNumber += 1;
    if (this.#lookNumber % WINDOW_LOOKS === 0) {
      const violation = this.#tally.violation(counts, this.#theirs);
      if (violation !== null) {
        throw new MalformedError(violation);
      }
      if (this.#unanswered === 0) {
        this.#line.send({ type: "COUNTS", counts });
      }
      this.#show.way({ isLineUp: this.#line.isUp });
      this.#sayQuality(lost, came);
    }
  }

  /** A browser may call a way connected long after nothing comes by it any more. */
  #isStalled(came) {
    const now = performance.now();
    if (came > this.#flow.came) {
      this.#flow = { came, at: now };
    }
    return now - this.#flow.at > STALLED_MS;
  }

  #sayQuality(lost, came) {
    const [newLost, newCame] = [lost - this.#heard.lost, came - this.#heard.came];
    this.#heard = { lost, came };
    if (newLost + newCame > 0) {
      this.#show.quality(Math.max(0, newLost) / (newLost + newCame));
    }
  }
}
