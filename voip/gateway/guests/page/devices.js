/**
 * Microphone, camera and speaker: choosing, opening, changing, measuring.
 *
 * Sources: Media Capture and Streams, Audio Output Devices API (W3C).
 */

const METER_MS = 200; // five times a second is enough to see that one is heard
const METER_FLOOR_DB = -60;

/** What went wrong with a device, in a sentence a person can act on. */
export class DeviceError extends Error {
  /** @param {"microphone" | "camera" | "screen" | "speaker"} device */
  constructor(device, cause) {
    super(sentence(device, cause.name));
    this.device = device;
    this.isDenied = cause.name === "NotAllowedError";
  }
}

function sentence(device, name) {
  switch (name) {
    case "NotAllowedError":
      return `The browser may not use the ${device}. Allow it beside the address, then try again.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${device} was found. Is it plugged in and switched on?`;
    case "NotReadableError":
      return `The ${device} is in use by another program, or switched off.`;
    default:
      return `The ${device} cannot be opened (${name}).`;
  }
}

/** Constraints of a microphone or camera; an empty id is the browser's choice. */
const WANTED = {
  audio: (id) => ({
    deviceId: id ? { exact: id } : undefined,
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  }),
  video: (id) => ({
    deviceId: id ? { exact: id } : undefined,
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
  }),
};

/**
 * Open a microphone or camera.
 *
 * @param {"audio" | "video"} kind
 * @param {string} id of the device, or empty
 * @returns {Promise<MediaStreamTrack>}
 * @throws {DeviceError}
 */
export async function openDevice(kind, id) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      [kind]: WANTED[kind](id),
    });
    return stream.getTracks()[0];
  } catch (error) {
    throw new DeviceError(kind === "audio" ? "microphone" : "camera", error);
  }
}

/** Ask for a screen or window to show. @returns {Promise<MediaStreamTrack>} */
export async function openScreen() {
  try {
    const wanted = { video: { frameRate: { max: 15 } }, audio: false };
    const stream = await navigator.mediaDevices.getDisplayMedia(wanted);
    return stream.getTracks()[0];
  } catch (error) {
    throw new DeviceError("screen", error);
  }
}

/**
 * List devices by kind; names appear once the user has allowed one of that kind.
 *
 * @returns {Promise<Record<string, MediaDeviceInfo[]>>}
 */
export async function listDevices() {
  const all = await navigator.mediaDevices.enumerateDevices();
  const ofKind = (kind) => all.filter((device) => device.kind === kind);
  return {
    audio: ofKind("audioinput"),
    video: ofKind("videoinput"),
    speaker: ofKind("audiooutput"),
  };
}

/** Whether this browser lets a page choose where sound comes out. */
export const canChooseSpeaker = () => "setSinkId" in HTMLMediaElement.prototype;

/** @param {HTMLMediaElement} element @param {string} id of the speaker, or empty */
export async function useSpeaker(element, id) {
  try {
    await element.setSinkId(id);
  } catch (error) {
    throw new DeviceError("speaker", error);
  }
}

/** Shows how loud the microphone is. */
export class Meter {
  #context = null;
  #source = null;
  #analyser = null;
  #timer = 0;
  #show;

  /** @param {(level: number) => void} show takes 0 to 1, five times a second */
  constructor(show) {
    this.#show = show;
  }

  /** @param {MediaStreamTrack | null} track what to listen to from now on */
  follow(track) {
    this.#source?.disconnect();
    this.#source = null;
    if (track !== null) {
      this.#context ??= new AudioContext();
      this.#analyser ??= new AnalyserNode(this.#context, { fftSize: 2048 });
      this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
      this.#source.connect(this.#analyser);
      this.#timer ||= setInterval(() => this.#measure(), METER_MS);
    }
  }

  /** Sound may only be looked at after a press of a key or button. */
  wake() {
    this.#context?.resume();
  }

  stop() {
    clearInterval(this.#timer);
    this.#context?.close();
    [this.#context, this.#analyser, this.#source, this.#timer] = [null, null, null, 0];
  }

  #measure() {
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0);
    const level = 10 * Math.log10(power / samples.length + 1e-12);
    this.#show(Math.max(0, 1 - level / METER_FLOOR_DB));
  }
}
