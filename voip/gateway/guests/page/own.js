/**
 * What this side sends: microphone, camera or screen, and whether it is muted.
 *
 * Muted sound is still sent, as silence, so that nobody on the way sees who talks. A
 * camera that is switched off is closed, so that its light goes out. Changing a device
 * never changes whether one is muted.
 */

import { openDevice, openScreen } from "./devices.js";

/** Silence for a guest without a microphone: he listens, and the call looks like any. */
function silence() {
  const context = new AudioContext();
  return context.createMediaStreamDestination().stream.getAudioTracks()[0];
}

export class Own {
  isMuted = false;
  #microphone = null;
  #camera = null;
  #screen = null;
  #silence = null;
  /** Set by who shows it: sound or picture is another one now. @type {(kind: "audio" |
   * "video") => void} */
  onchange = () => {};
  /** Set by the call: the same. @type {(kind: "audio" | "video") => void} */
  onsend = () => {};
  /** Set by who shows it: a device was unplugged. @type {(device: string) => void} */
  onlost = () => {};

  get microphone() {
    return this.#microphone;
  }

  get camera() {
    return this.#camera;
  }

  get screen() {
    return this.#screen;
  }

  /** What is sent, by kind; a screen takes the camera's place. */
  track(kind) {
    if (kind === "audio") {
      return this.#microphone ?? (this.#silence ??= silence());
    }
    return this.#screen ?? this.#camera;
  }

  /** @param {string} id of the device, or empty */
  async useMicrophone(id) {
    const track = await openDevice("audio", id);
    this.#microphone?.stop();
    this.#microphone = track;
    track.enabled = !this.isMuted;
    track.onended = () => {
      this.#microphone = null;
      this.#changed("audio");
      this.onlost("microphone");
    };
    this.#changed("audio");
  }

  closeMicrophone() {
    this.#microphone?.stop();
    this.#microphone = null;
    this.#changed("audio");
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    this.isMuted = isMuted;
    if (this.#microphone !== null) {
      this.#microphone.enabled = !isMuted;
    }
  }

  /** @param {string} id of the device, or empty */
  async useCamera(id) {
    const track = await openDevice("video", id);
    this.#camera?.stop();
    this.#camera = track;
    track.onended = () => {
      this.closeCamera();
      this.onlost("camera");
    };
    this.#changed("video");
  }

  closeCamera() {
    this.#camera?.stop();
    this.#camera = null;
    this.#changed("video");
  }

  async shareScreen() {
    this.#screen = await openScreen();
    this.#screen.onended = () => this.closeScreen(); // the browser's own "stop sharing"
    this.#changed("video");
  }

  closeScreen() {
    this.#screen?.stop();
    this.#screen = null;
    this.#changed("video");
  }

  #changed(kind) {
    this.onchange(kind);
    this.onsend(kind);
  }

  stop() {
    this.onsend = () => {};
    for (const track of [this.#microphone, this.#camera, this.#screen, this.#silence]) {
      track?.stop();
    }
    [this.#microphone, this.#camera, this.#screen] = [null, null, null];
  }
}
