/**
 * The page of a browser guest: ties what a person does to the call, and back.
 *
 * `link.js` comes first, before anything else runs: it takes the secret out of the
 * address. Nothing is stored: no cookie, no storage, no worker that stays.
 */

import { followNewLink, takeSecret } from "./link.js";
import { Call } from "./call.js";
import { Company, showOwnMark } from "./company.js";
import {
  DeviceError,
  Meter,
  canChooseSpeaker,
  listDevices,
  useSpeaker,
} from "./devices.js";
import { missingFeatures } from "./features.js";
import { Own } from "./own.js";
import { Pad } from "./pad.js";
import {
  LEG_ENDINGS,
  at,
  buttons,
  clean,
  close,
  fill,
  go,
  list,
  offer,
  open,
  play,
  press,
  say,
  showClock,
  showEnding,
  showQuality,
} from "./screens.js";
import { AUDIO } from "./sframe.js";

const own = new Own();
const meter = new Meter((level) => {
  for (const each of document.querySelectorAll(".level")) {
    each.value = own.isMuted ? 0 : level;
  }
});
const chosen = { audio: "", video: "", speaker: "" };
let call = null;
let company = null; // once there is a host
let pad = null;
let alias = "";
let withVideo = true;
let connectedAt = 0;
const picture = { isOpened: false, isShown: true }; // by our worker; by the host
let isOver = false;

/** Run what a person asked for; a device that does not obey is said, and changes nothing. */
async function attempt(step) {
  at("problem").hidden = true;
  try {
    await step();
  } catch (error) {
    if (!(error instanceof DeviceError)) {
      throw error;
    }
    if (call === null) {
      at("problem").textContent = error.message;
      at("problem").hidden = false;
    } else {
      say(error.message);
    }
  }
  showDevices();
}

/** Nobody waits for this: a browser may answer only once the page is looked at. */
async function showDevices() {
  const devices = await listDevices();
  for (const [kind, ofKind] of Object.entries(devices)) {
    offer(at(`${kind}-device`), ofKind, chosen[kind]);
  }
  at("speaker-label").hidden = !canChooseSpeaker() || devices.speaker.length === 0;
  at("video-device").parentElement.hidden = !withVideo;
}

/** Say on every button what is on. */
function showOwn() {
  const { microphone, camera, screen, isMuted } = own;
  press("microphone", microphone !== null, microphone === null ? "off" : "on");
  press(
    "mute",
    isMuted,
    microphone === null ? "no microphone" : isMuted ? "muted" : "microphone on",
  );
  press("camera", camera !== null, camera === null ? "off" : "on");
  press("screen", screen !== null, screen === null ? "off" : "shown");
  for (const video of document.querySelectorAll("[data-mine]")) {
    const track = own.track("video");
    play(video, track);
    video.hidden = track === null;
    video.classList.toggle("mirror", screen === null); // a text must not be mirrored
  }
  document.querySelector("[data-no-picture]").hidden = own.track("video") !== null;
  document.querySelector(".mine").hidden = own.track("video") === null;
}

own.onchange = (kind) => {
  if (kind === "audio") {
    meter.follow(own.microphone);
    meter.wake();
  }
  showOwn();
};
own.onlost = (device) => say(`Your ${device} is gone.`);

/** Everything a button does. */
const actions = {
  microphone: () =>
    attempt(() =>
      own.microphone === null ? own.useMicrophone(chosen.audio) : own.closeMicrophone(),
    ),
  camera: () =>
    attempt(async () => {
      if (own.camera === null) {
        await own.useCamera(chosen.video);
        say("Your camera is on.");
      } else {
        own.closeCamera();
        say("Your camera is off.");
      }
    }),
  screen: () =>
    attempt(async () => {
      if (own.screen === null) {
        await own.shareScreen();
        say(`${alias} sees your screen.`);
      } else {
        own.closeScreen();
      }
    }),
  mute: () =>
    attempt(async () => {
      if (own.microphone === null) {
        await own.useMicrophone(chosen.audio);
        own.mute(false);
      } else {
        own.mute(!own.isMuted);
      }
      showOwn();
      call.sayState();
      say(own.isMuted ? "You are muted." : "You are heard.");
    }),
  words: () => open("words"),
  match: () => compared("You said that the words match."),
  differ: () => call.compare(false),
  later: () => close("words"),
  pad: () => pad.toggle(),
  "accept-legs": () => company.answer(true),
  "refuse-legs": () => company.answer(false),
  "hang-up": () => call.hangUp(),
};

function compared(text) {
  call.compare(true);
  at("words-state").textContent = "words match";
  say(text);
  close("words");
}

/** Show the host's picture, or that there is none; a last one must not stay. */
function showPicture() {
  const isSeen = picture.isOpened && picture.isShown;
  at("theirs").hidden = !isSeen;
  at("theirs").setAttribute("aria-label", `Picture of ${alias}`);
  at("nobody").hidden = isSeen;
}

/** What the call tells, put on the screen. */
const show = {
  host(host) {
    alias = clean(host.alias) || "your host";
    withVideo = host.withVideo;
    fill("alias", alias);
    list("words-list", host.words);
    company = new Company(
      alias,
      () => call.name,
      (version, isShown) => call.answerLegs(version, isShown),
    );
    pad = new Pad(
      () => company.telephone,
      (leg, digits) => call.press(leg, digits),
    );
    at("face").textContent = Array.from(alias)[0].toUpperCase();
    for (const button of [...buttons("camera"), ...buttons("screen")]) {
      button.hidden =
        !withVideo ||
        (button.dataset.do === "screen" && !navigator.mediaDevices.getDisplayMedia);
    }
    if (!withVideo) {
      own.closeCamera();
    }
  },
  door: () => go("door"),
  alerting() {
    at("door-state").textContent =
      `${alias} is being asked now. Nothing is sent before you are let in.`;
  },
  accepted() {
    at("devices-there").append(at("devices"));
    at("words-state").textContent = "words not compared";
    at("stage-text").textContent = "Connecting …";
    go("call");
    say(`${alias} lets you in.`);
  },
  connected() {
    if (connectedAt === 0) {
      connectedAt = performance.now();
      setInterval(
        () => isOver || showClock((performance.now() - connectedAt) / 1000),
        1000,
      );
      open("words");
    }
    at("stage-text").textContent = `${alias} sends no picture`;
    say("Connected.");
  },
  tracks([audio, video]) {
    play(at("sound"), audio);
    play(at("theirs"), video ?? null);
    // Nothing is played before the worker has opened a frame of it.
    at("sound").muted = true;
    picture.isOpened = false;
    showPicture();
  },
  opened(kind) {
    if (kind === AUDIO) {
      at("sound").muted = false;
    } else {
      picture.isOpened = true;
      showPicture();
    }
  },
  hostState({ isHeld, isMuted, hasPicture }) {
    picture.isShown = hasPicture;
    showPicture();
    say(
      isHeld
        ? `${alias} put you on hold.`
        : isMuted
          ? `${alias} is muted.`
          : `${alias} can be heard.`,
    );
  },
  hostWords() {
    at("words-state").textContent = "words match";
    say(`${alias} found your words.`);
    close("words");
  },
  present: (names) => company.present(names),
  legs(version, legs) {
    company.legs(version, legs);
    pad.update();
  },
  legEnded({ text, reason }) {
    say(`${clean(text) || "Somebody"} ${LEG_ENDINGS.get(reason) ?? "has gone"}.`);
  },
  openedAgain() {
    say("This link was opened again: by you in another tab, or by somebody else.");
  },
  reconnecting: () => say("The connection is being made again …"),
  way({ isLineUp }) {
    if (!isLineUp) {
      say("The line to your host is interrupted …");
    }
  },
  quality: showQuality,
  ended(ending, detail) {
    isOver = true;
    meter.stop();
    showEnding(ending, detail);
  },
};

async function join(secret) {
  if (own.microphone === null) {
    await attempt(() => own.useMicrophone(chosen.audio));
    if (own.microphone === null && !hasAgreedToListen()) {
      return;
    }
  }
  fill("alias", "your host");
  call = new Call(own, show);
  go("door");
  await call.start(secret, at("name").value);
}

/** A second press of the button joins without a microphone: to listen. */
function hasAgreedToListen() {
  const button = at("join-form").querySelector("[type=submit]");
  const hasAgreed = button.dataset.listen !== undefined;
  button.dataset.listen = "";
  button.textContent = "Join to listen, without a microphone";
  return hasAgreed;
}

/** M and V, except where one writes or chooses, and not when switched off (WCAG 2.1.4). */
function onKey(event) {
  const isTyping = event.target.closest("input, select, textarea, summary") !== null;
  const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.repeat;
  const isOn = at("keys").checked && !at("call").hidden;
  const action = { m: "mute", v: "camera" }[event.key.toLowerCase()];
  if (
    isOn &&
    isPlain &&
    !isTyping &&
    action !== undefined &&
    !buttons(action)[0].hidden
  ) {
    event.preventDefault();
    actions[action]();
  }
}

/** What a device was chosen for is opened again only if it was open. */
const changed = {
  audio: () => own.microphone !== null && own.useMicrophone(chosen.audio),
  video: () => own.camera !== null && own.useCamera(chosen.video),
  speaker: () => useSpeaker(at("sound"), chosen.speaker),
};

async function start() {
  fill("host", location.host);
  showOwnMark();
  showOwn();
  followNewLink(() => call === null || isOver);
  let secret;
  try {
    secret = takeSecret();
  } catch (error) {
    showEnding("nolink", error.message);
    return;
  }
  const missing = await missingFeatures();
  if (missing.length > 0) {
    list("missing-list", missing);
    go("missing");
    return;
  }
  at("devices").hidden = false;
  at("devices-here").append(at("devices"));
  showDevices();
  navigator.mediaDevices.addEventListener("devicechange", showDevices);
  for (const [kind, apply] of Object.entries(changed)) {
    at(`${kind}-device`).addEventListener("change", ({ target }) => {
      chosen[kind] = target.value;
      attempt(async () => apply());
    });
  }
  for (const [name, action] of Object.entries(actions)) {
    buttons(name).forEach((button) => button.addEventListener("click", () => action()));
  }
  addEventListener("keydown", onKey);
  addEventListener("beforeunload", (event) => {
    if (call !== null && !isOver) {
      event.preventDefault(); // the secret is gone from the page: nobody can come back
    }
  });
  at("join-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (call === null) {
      join(secret);
    }
  });
  go("join");
}

start();
