/**
 * The keypad, for a telephone in the call that asks to press something.
 *
 * It is there only while a telephone is. Its keys work by touch, by Tab and Enter, and
 * by the same keys of a keyboard while the focus is in it.
 */

import { at, close, open, say } from "./screens.js";

const MOST = 32; // shown; what was pressed before scrolls away
const TOUCH_TONE = /^[0-9*#]$/;

export class Pad {
  #telephone;
  #send;

  /**
   * @param {() => {id: number, name: string} | undefined} telephone in the call now
   * @param {(leg: number, digits: string) => void} send
   */
  constructor(telephone, send) {
    [this.#telephone, this.#send] = [telephone, send];
    for (const key of at("pad").querySelectorAll("[data-digit]")) {
      key.addEventListener("click", () => this.#press(key.dataset.digit));
    }
    at("pad").addEventListener("keydown", (event) => {
      const isPlain = !event.ctrlKey && !event.altKey && !event.metaKey;
      if (isPlain && TOUCH_TONE.test(event.key)) {
        event.preventDefault();
        this.#press(event.key);
      } else if (event.key === "Escape") {
        this.toggle();
      }
    });
  }

  /** Open it or close it, as the guest wishes. */
  toggle() {
    if (at("pad").hidden) {
      at("pressed").textContent = "";
      open("pad");
    } else {
      close("pad");
    }
    this.#showButton();
  }

  /** Be there while a telephone is. */
  update() {
    if (this.#telephone() === undefined) {
      close("pad");
    }
    this.#showButton();
  }

  #press(digit) {
    const telephone = this.#telephone();
    if (telephone !== undefined) {
      this.#send(telephone.id, digit);
      at("pressed").textContent = (at("pressed").textContent + digit).slice(-MOST);
      say(`Pressed ${{ "*": "star", "#": "hash" }[digit] ?? digit}.`);
    }
  }

  #showButton() {
    const button = document.querySelector("[data-opens]");
    button.hidden = this.#telephone() === undefined;
    button.setAttribute("aria-expanded", String(!at("pad").hidden));
  }
}
