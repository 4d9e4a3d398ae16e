/**
 * What a sealed call needs of a browser. Nothing falls back to less: what is missing is
 * named, and the link stays good for another browser.
 */

/** @returns {Promise<string[]>} what this browser has not, in words */
export async function missingFeatures() {
  const needed = [
    ["a secure page (https)", () => isSecureContext],
    [
      "WebCrypto with X25519",
      async () => crypto.subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]),
    ],
    ["WebRTC", () => typeof RTCPeerConnection === "function"],
    [
      "sealing of frames (RTCRtpScriptTransform)",
      () => typeof RTCRtpScriptTransform === "function",
    ],
    [
      "certificates that can be compared (getFingerprints)",
      () => "getFingerprints" in RTCCertificate.prototype,
    ],
    ["access to microphones (getUserMedia)", () => Boolean(navigator.mediaDevices)],
  ];
  const missing = [];
  for (const [name, isThere] of needed) {
    try {
      if (await isThere()) {
        continue;
      }
    } catch {
      // an algorithm that is not there throws; so does a class that is not there
    }
    missing.push(name);
  }
  return missing;
}
