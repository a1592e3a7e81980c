/**
 * Verifies Aragora webhook deliveries. Copy this file; it needs Node 18 and nothing else.
 *
 *     const answer = verify("standard_webhooks", ["your-hmac-secret"], request.headers, rawBody);
 *     if (answer !== "valid") return response.writeHead(401).end();
 *
 * Run as a program it reads one case a line, as JSON, and prints one answer a line:
 * {"scheme", "secrets", "headers", "body_base64", "now", "max_age_seconds"}.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";

const MAX_AHEAD_SECONDS = 60;
// Each list is a header and the other names it is sent under; the first that is there counts.
const BODY_SIGNATURE = ["x-aragora-signature", "x-signature-sha256", "x-webhook-signature"];
const BODY_TIMESTAMP = ["x-aragora-timestamp", "x-webhook-timestamp"];
const TIMESTAMPED_SIGNATURE = ["x-aragora-signature-timestamped", "x-agenta-signature"];

/** A check failed; the message is its word. */
class Failed extends Error {}

/**
 * Returns "valid", or the word for the first check that failed.
 *
 * @param {"standard_webhooks" | "timestamped" | "body"} scheme
 * @param {string[]} secrets every secret that is live; more than one during a rotation
 * @param {Record<string, string>} headers as in `request.headers` of node:http and Express
 * @param {Buffer} body the request's bytes as they came, before any parsing
 * @param {number} now the clock in unix seconds
 * @param {number} maxAgeSeconds how old a delivery may be
 */
export function verify(scheme, secrets, headers, body, now = Math.floor(Date.now() / 1000), maxAgeSeconds = 300) {
  const check = { standard_webhooks: standardWebhooks, timestamped, body: bodyOnly }[scheme];
  const live = secrets.filter((secret) => secret !== "" && secret !== "whsec_");
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  try {
    if (live.length === 0) throw new Failed("no_secret");
    const { timestamp, signatures, sign } = check(byName, body);
    checkAge(timestamp, now, maxAgeSeconds);
    checkSignatures(signatures, live.map(sign));
  } catch (error) {
    if (error instanceof Failed) return error.message;
    throw error;
  }
  return "valid";
}

// Each scheme finds the timestamp, the signatures, and how a secret signs.

function standardWebhooks(headers, body) {
  const id = header(headers, ["webhook-id"]);
  const timestamp = header(headers, ["webhook-timestamp"]);
  const entries = header(headers, ["webhook-signature"]).split(" ");
  const signatures = entries.filter((entry) => entry.startsWith("v1,")).map((entry) => entry.slice("v1,".length));
  if (signatures.length === 0) throw new Failed("header_malformed");
  const sign = (secret) => mac(standardKey(secret), `${id}.${timestamp}.`, body).toString("base64");
  return { timestamp, signatures, sign };
}

function timestamped(headers, body) {
  const timestamps = [];
  const signatures = [];
  for (const element of header(headers, TIMESTAMPED_SIGNATURE).split(",")) {
    const [key, ...value] = element.replace(/^[ \t]+/, "").split("=");
    if (value.length === 0) throw new Failed("header_malformed");
    if (key === "t") timestamps.push(value.join("="));
    if (key === "v1") signatures.push(value.join("="));
  }
  // With two timestamps nobody knows which one was signed.
  if (timestamps.length !== 1 || signatures.length === 0) throw new Failed("header_malformed");
  const [timestamp] = timestamps;
  return { timestamp, signatures, sign: (secret) => mac(secret, `${timestamp}.`, body).toString("hex") };
}

function bodyOnly(headers, body) {
  const signature = header(headers, BODY_SIGNATURE);
  const timestamp = header(headers, BODY_TIMESTAMP);
  if (!signature.startsWith("sha256=")) throw new Failed("header_malformed");
  return { timestamp, signatures: [signature], sign: (secret) => "sha256=" + mac(secret, "", body).toString("hex") };
}

function header(headers, names) {
  const name = names.find((each) => headers.get(each));
  if (name === undefined) throw new Failed("header_missing");
  return headers.get(name);
}

function checkAge(timestamp, now, maxAgeSeconds) {
  // Digits only: Number() alone takes signs, spaces, points, hex and the empty text.
  if (!/^[0-9]{1,18}$/.test(timestamp)) throw new Failed("timestamp_not_a_number");
  if (now - Number(timestamp) > maxAgeSeconds) throw new Failed("too_old");
  if (Number(timestamp) - now > MAX_AHEAD_SECONDS) throw new Failed("too_far_ahead");
}

function checkSignatures(received, expected) {
  // Compares all with all, each in constant time, so that the time taken tells nothing.
  let matches = 0;
  for (const ours of expected.map((text) => Buffer.from(text))) {
    for (const theirs of received.map((text) => Buffer.from(text))) {
      matches += Number(ours.length === theirs.length && timingSafeEqual(ours, theirs));
    }
  }
  if (matches === 0) throw new Failed("mismatch");
}

function mac(key, prefix, body) {
  return createHmac("sha256", key).update(prefix).update(body).digest();
}

/** The base64 behind whsec_, decoded; else the secret's own bytes. */
function standardKey(secret) {
  if (!secret.startsWith("whsec_")) return Buffer.from(secret);
  const encoded = secret.slice("whsec_".length);
  const key = Buffer.from(encoded, "base64");
  // Buffer.from skips what it does not know; only the one proper spelling is a key.
  return key.toString("base64") === encoded ? key : Buffer.from(secret);
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    const { scheme, secrets, headers, body_base64: body, now, max_age_seconds: maxAge } = JSON.parse(line);
    console.log(verify(scheme, secrets, headers, Buffer.from(body, "base64"), now, maxAge));
  }
}
