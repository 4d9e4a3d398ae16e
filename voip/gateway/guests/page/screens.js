/**
 * What the page shows, and in which words; it decides nothing.
 *
 * Text that came from others goes in as text and never as HTML, with characters that are
 * invisible or turn the direction of writing replaced. Changes are said in one live
 * region; the focus follows to the heading of a new screen (WCAG 2.2, 4.1.3 and 2.4.3).
 */

const SCREENS = ["join", "missing", "door", "call", "ended"];
const PANELS = ["words", "notice", "pad"];

/** @param {string} id @returns {any} the element */
export const at = (id) => document.getElementById(id);

/** All buttons that do one thing. */
export const buttons = (action) => document.querySelectorAll(`[data-do="${action}"]`);

/** Text of others, without characters that hide or turn around what is read. */
export const clean = (text) => text.replace(/\p{C}/gu, "\u{fffd}");

/** Put a name wherever the page mentions it. */
export function fill(name, text) {
  for (const place of document.querySelectorAll(`[data-fill="${name}"]`)) {
    place.textContent = clean(text);
  }
}

/** Say it where everybody notices, screen readers included. */
export function say(text) {
  at("news").textContent = text;
}

function focusHeading(section) {
  section.querySelector("h1, h2").focus();
}

/** Show one screen and no other. */
export function go(screen) {
  for (const name of [...SCREENS, ...PANELS]) {
    at(name).hidden = name !== screen;
  }
  focusHeading(at(screen));
}

/** Show a panel over the call; the call goes on. */
export function open(panel) {
  if (at(panel).hidden) {
    at(panel).hidden = false;
    focusHeading(at(panel));
  }
}

/** Close a panel; who was in it goes on at the call. */
export function close(panel) {
  const hadFocus = at(panel).contains(document.activeElement);
  at(panel).hidden = true;
  if (hadFocus) {
    focusHeading(at("call"));
  }
}

/** Replace what a list holds. @param {string} id @param {string[]} texts */
export function list(id, texts) {
  const items = texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = clean(text);
    return item;
  });
  at(id).replaceChildren(...items);
}

/** Say the state of a button, to the eye and to a screen reader. */
export function press(action, isPressed, text) {
  for (const button of buttons(action)) {
    button.setAttribute("aria-pressed", String(isPressed));
    const small = button.querySelector("small");
    if (small !== null) {
      small.textContent = text;
    }
  }
}

/** Offer devices to choose from. @param {HTMLSelectElement} select */
export function offer(select, devices, chosen) {
  const options = devices.map(
    ({ label, deviceId }, index) =>
      new Option(
        clean(label) || `Number ${index + 1}`,
        deviceId,
        false,
        deviceId === chosen,
      ),
  );
  const none = new Option(devices.length ? "As the browser chooses" : "None found", "");
  const hasDefault = devices.some(({ deviceId }) => deviceId === "default");
  select.replaceChildren(...(hasDefault ? [] : [none]), ...options);
  select.disabled = devices.length === 0;
}

/** Show a stream in an element, or nothing. @param {MediaStreamTrack | null} track */
export function play(element, track) {
  if ((element.srcObject?.getTracks()[0] ?? null) !== track) {
    element.srcObject = track === null ? null : new MediaStream([track]);
  }
}

/** @param {number} seconds */
export function showClock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const start = hours ? `${hours}:${two(minutes)}` : minutes;
  at("clock").textContent = `${start}:${two(Math.floor(seconds) % 60)}`;
}

/** @param {number} loss share of packets that did not come, 0 to 1 */
export function showQuality(loss) {
  const grade = loss < 0.01 ? "good" : loss < 0.05 ? "fair" : "poor";
  const percent = Math.round(loss * 100);
  at("quality").textContent =
    `Connection ${grade}` + (percent ? `, ${percent} % lost` : "");
}

const END_TO_END = 1;
const GUEST = 2;
const TO_PBX = 3;
const PBX_AUTHENTICATED = 4; // a bit of a leg's flags

/** The words for how weak a leg is; the same as on every other screen of a call. */
export function markText({ mark, flags, host, suite }) {
  switch (mark) {
    case END_TO_END:
      return "end to end";
    case GUEST:
      return `browser guest, trusts ${clean(host)}`;
    case TO_PBX:
      return (
        `encrypted to PBX only (${clean(suite)})` +
        (flags & PBX_AUTHENTICATED ? "" : ", PBX not authenticated")
      );
    default: // also a mark of a later version: the weakest is what can be promised
      return "NOT ENCRYPTED past here";
  }
}

/** Show the mark of the call, which is that of its weakest leg. */
export function showMark(leg) {
  at("mark").textContent = markText(leg);
  at("mark").classList.toggle("bad", leg.mark > GUEST || leg.mark < END_TO_END);
}

/** Why a call ended: a heading, and what one can do about it. */
const ENDINGS = {
  left: ["You left the call", "Nothing of it stays in this browser."],
  over: ["The call has ended", "Your host hung up."],
  declined: ["Your host declined", "You were not let in."],
  busy: [
    "Your host is busy",
    "Somebody else is at the door or in a call. Try again later, with the same link if it is still good.",
  ],
  timeout: ["Nobody answered", "Your host did not let you in in time."],
  lost: ["The connection was lost", "It did not come back within 30 seconds."],
  unreachable: [
    "The host cannot be reached",
    "Is your network up? The link may still be good: open it again.",
  ],
  expired: [
    "This link does not work any more",
    "It has expired, or it never was one. Ask your host for a new one.",
  ],
  used: [
    "This link was used already",
    "A link opens one call, once. If that was not you, tell your host: somebody else has the link.",
  ],
  refused: [
    "The host refused this link",
    "It may be cut off or changed. Open it once more, exactly as you got it.",
  ],
  nolink: [
    "The invitation is missing",
    "Open the whole link as you got it. After a reload it is gone, because this page keeps nothing.",
  ],
  differ: [
    "The words differ",
    "Somebody may sit between you and your host. Do not go on over this link; tell your host in another way.",
  ],
  security: [
    "The call was ended for your safety",
    "What came was not what the protection demands.",
  ],
  broken: ["The call failed", "Something in this browser went wrong."],
};

/** A second call needs a second link, once the first was taken. */
const SPENT = new Set([
  "left",
  "over",
  "declined",
  "timeout",
  "lost",
  "differ",
  "security",
  "broken",
]);

/** @param {string} ending a name above @param {string} detail of a failure, or empty */
export function showEnding(ending, detail) {
  const [heading, text] = ENDINGS[ending];
  at("ended").querySelector("h1").textContent = heading;
  const spent = SPENT.has(ending)
    ? " The link is spent: for another call ask for a new one."
    : "";
  at("ended-text").textContent = text + spent;
  at("ended-detail").textContent = clean(detail);
  document.title = `${heading} · Ringfence`;
  go("ended");
  say("");
}

/** Why a leg of the host's did not come, or went. */
export const LEG_ENDINGS = new Map([
  [1, "has left"],
  [2, "declined"],
  [3, "is busy"],
  [4, "did not answer"],
  [5, "was not joined: somebody refused"],
  [6, "offers no encryption"],
  [7, "is not allowed"],
  [8, "cannot be reached"],
  [9, "was lost"],
  [10, "was ended for safety"],
]);
