/**
 * Frame counters: does every packet that WebRTC counts pass our sealing?
 *
 * A browser that quietly skips the transform would send or play what nobody sealed. So
 * what the transport counted (`rtp`) is compared with what the worker sealed or opened
 * (`sframe`) and could not (`failed`), here and at the gateway, both ways. All counts
 * are cumulative since the media connection was made. Nothing here reads a clock.
 */

const SLACK = 5;
const SLACK_RATIO = 0.02; // measured on honest calls: 1 frame of 590
const BYPASS_RTP = 10;
const BYPASS_MS = 1000;

export const SENT = 0;
export const RECEIVED = 1;

/** One stream in one direction. @typedef {{kind: number, direction: number, sframe:
 * number, failed: number, rtp: number}} Count */

/** Judges one media connection. */
export class Tally {
  #off = new Set(); // streams that did not add up in the window before
  #since = new Map(); // when media was first seen on a stream, ms

  /**
   * Whether a stream passes by the worker: its transform never ran.
   *
   * @param {Count[]} counts
   * @param {number} now ms
   * @returns {boolean}
   */
  isBypassed(counts, now) {
    return counts.some((count) => {
      const name = `${count.kind} ${count.direction}`;
      if (count.rtp > 0 && !this.#since.has(name)) {
        this.#since.set(name, now);
      }
      const touched = count.sframe + count.failed;
      const isOld = now - (this.#since.get(name) ?? now) >= BYPASS_MS;
      return isOld && count.rtp >= BYPASS_RTP && touched === 0;
    });
  }

  /**
   * Say what is wrong, once per window of two seconds.
   *
   * @param {Count[]} counts ours
   * @param {Count[]} theirs the gateway's newest, or none
   * @returns {string | null}
   */
  violation(counts, theirs) {
    const before = this.#off;
    this.#off = new Set();
    for (const count of counts) {
      const name = `${count.kind} ${count.direction}`;
      const slack = Math.max(SLACK, SLACK_RATIO * count.rtp);
      if (count.failed > slack) {
        return `${count.failed} of ${count.rtp} frames were not sealed by the host`;
      }
      // Sealed but not sent is no harm: a browser goes on sealing when the way is gone.
      if (count.rtp - count.sframe - count.failed > slack) {
        this.#off.add(name);
      }
      if (this.#off.has(name) && before.has(name)) {
        return `${count.rtp} frames went by, ${count.sframe} of them sealed`;
      }
    }
    return this.#openedMore(counts, theirs);
  }

  /** Nobody can open more of our frames than we sealed. */
  #openedMore(counts, theirs) {
    for (const { kind, sframe } of counts.filter((each) => each.direction === SENT)) {
      const opened = theirs.find(
        (each) => each.kind === kind && each.direction === RECEIVED,
      );
      if (opened !== undefined && opened.sframe > sframe) {
        return `the host opened ${opened.sframe} frames, we sealed ${sframe}`;
      }
    }
    return null;
  }
}
