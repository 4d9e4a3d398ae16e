/**
 * Who takes part besides the guest, as his host says, and what the guest agreed to.
 *
 * People who have Ringfence are names; whoever makes the call weaker is a leg, with a
 * mark of its own, and neither hears nor is heard before the guest agreed.
 */

import { at, clean, close, list, markText, open, say, showMark } from "./screens.js";

const OWN_MARK = { mark: 2, flags: 0, host: location.host, suite: "" };
const BROWSER = 1; // a leg's kind
const TELEPHONE = 2;
const JOINED = 2; // a leg's state
const HELD = 3;
const PROOFS = 4 | 8; // flags: the exchange proved its name, the words were compared

/** Show the mark of a call with nobody but the host. */
export const showOwnMark = () => showMark(OWN_MARK);

/** What was said of those who came and went, in one sentence; empty if nobody did. */
function changes(before, after) {
  const news = after.filter((name) => !before.includes(name));
  const gone = before.filter((name) => !after.includes(name));
  return [
    ...news.map((name) => `${clean(name)} is in the call.`),
    ...gone.map((name) => `${clean(name)} has left.`),
  ].join(" ");
}

/** Whether somebody who agreed to a leg as it was may not agree to it as it is. */
const isWeaker = (leg, was) =>
  was === undefined ||
  leg.mark > was.mark ||
  leg.kind !== was.kind ||
  leg.host !== was.host ||
  leg.name !== was.name ||
  (was.flags & ~leg.flags & PROOFS) !== 0;

export class Company {
  #alias;
  #ownName;
  #answer;
  #names = [];
  #legs = []; // others' legs, as the host listed them last
  #before = null; // ids of the first list, which is told before we are listed
  #own; // the id of our own leg
  #agreed = new Map(); // legs by id, as they were agreed to
  #asked = null; // the list in question: its version, and what is agreed with it

  /**
   * @param {string} alias of the host
   * @param {() => string} ownName what the guest is listed as
   * @param {(version: number, isShown: boolean) => void} answer tells the host
   */
  constructor(alias, ownName, answer) {
    [this.#alias, this.#ownName, this.#answer] = [alias, ownName, answer];
  }

  /** A telephone that is joined; undefined if none is. */
  get telephone() {
    return this.#legs.find(
      ({ kind, state }) => kind === TELEPHONE && (state === JOINED || state === HELD),
    );
  }

  /** Take the names of those who have Ringfence; the host is one of them. */
  present(names) {
    if (this.#names.length > 0) {
      say(changes(this.#names, names));
    }
    this.#names = names;
    this.#show();
  }

  /**
   * Take a list of legs; what makes the call weaker is asked first.
   *
   * Known is only what was agreed to: a further list, which comes while we ask, must not
   * find its legs known because they were shown.
   */
  legs(version, legs) {
    const mine = this.#ownLeg(legs);
    this.#legs = legs.filter((leg) => leg !== mine);
    const isAsked = this.#legs.some((leg) => isWeaker(leg, this.#agreed.get(leg.id)));
    this.#asked = { version, legs: new Map(this.#legs.map((leg) => [leg.id, leg])) };
    this.#show();
    if (isAsked) {
      open("notice");
    } else {
      this.answer(true);
    }
  }

  /** Say whether the guest agrees to the list on the screen. */
  answer(isShown) {
    if (isShown) {
      this.#agreed = this.#asked.legs;
    }
    this.#answer(this.#asked.version, isShown);
    this.#asked = null;
    close("notice");
  }

  #show() {
    const weakest = this.#legs.reduce(
      (worst, leg) => (leg.mark > worst.mark ? leg : worst),
      OWN_MARK,
    );
    showMark(weakest);
    const legs = this.#legs.map(
      (leg) =>
        `${leg.name || leg.host}: ${markText(leg)}, via ${this.#alias}` +
        (leg.state === HELD ? ", on hold" : ""),
    );
    list("legs", legs);
    const [host, ...members] = this.#names;
    list("people", [
      ...(host === undefined ? [] : [`${host}, your host`]),
      ...members,
      ...legs,
    ]);
    const others = members.length + legs.length;
    at("people-box").hidden = others === 0;
    at("people-count").textContent = `${others} more in this call`;
  }

  /**
   * Our own leg in a list, which is told to everybody alike; undefined if none is.
   *
   * It is the first that comes after the first list under our name: who else calls
   * himself so was there before us, or comes later.
   */
  #ownLeg(legs) {
    this.#own ??= legs.find(
      ({ id, kind, host, name }) =>
        this.#before?.has(id) === false &&
        kind === BROWSER &&
        host === location.host &&
        name === this.#ownName(),
    )?.id;
    this.#before ??= new Set(legs.map(({ id }) => id));
    return legs.find(({ id }) => id === this.#own);
  }
}
