/**
 * The link's secret, taken out of the address before anything else runs.
 *
 *     https://talk.example/#1aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq
 *                           1 and base32 of 32 bytes
 *
 * A browser never sends what stands after `#`. It must not stay in the address bar
 * either: there it would get into the history, a screenshot, a bookmark. `guest.js`
 * imports this module first, and a module runs before those that come after it.
 */

import { MalformedError, parseBase32 } from "./bytes.js";

const SECRET_BYTES = 32;

let fragment = location.hash;
history.replaceState(null, "", location.pathname);

/**
 * Give the secret, once.
 *
 * @returns {Uint8Array} 32 bytes
 * @throws {MalformedError} there is no whole link, or it was taken already
 */
export function takeSecret() {
  const text = fragment;
  fragment = "";
  if (!text.startsWith("#1")) {
    throw new MalformedError("the address has no invitation after #");
  }
  const secret = parseBase32(text.slice(2));
  if (secret.length !== SECRET_BYTES) {
    throw new MalformedError("the invitation is cut off");
  }
  return secret;
}

/**
 * Watch for another link opened in this tab, which loads nothing by itself.
 *
 * @param {() => boolean} mayLeave whether the page may start again with it
 */
export function followNewLink(mayLeave) {
  addEventListener("hashchange", () => {
    if (mayLeave()) {
      location.reload();
    } else {
      history.replaceState(null, "", location.pathname);
    }
  });
}
