"""Verifies Aragora webhook deliveries. Copy this file; it needs Python 3.9 and nothing else.

    failure = verify("standard_webhooks", ["your-hmac-secret"], request.headers, raw_body)
    if failure != "valid":
        return 401

Run as a program it reads one case a line, as JSON, and prints one answer a line:
{"scheme", "secrets", "headers", "body_base64", "now", "max_age_seconds"}.
"""
import base64
import binascii
import hashlib
import hmac
import json
import re
import sys
import time

MAX_AHEAD_SECONDS = 60
# Each list is a header and the other names it is sent under; the first that is there counts.
BODY_SIGNATURE = ["x-aragora-signature", "x-signature-sha256", "x-webhook-signature"]
BODY_TIMESTAMP = ["x-aragora-timestamp", "x-webhook-timestamp"]
TIMESTAMPED_SIGNATURE = ["x-aragora-signature-timestamped", "x-agenta-signature"]


class Failed(Exception):
    """A check failed; the message is its word."""


def verify(scheme, secrets, headers, body, now=None, max_age_seconds=300):
    """Returns "valid", or the word for the first check that failed.

    scheme: "standard_webhooks", "timestamped" or "body".
    secrets: every secret that is live, as text; more than one during a rotation.
    headers: the request's headers, any mapping of names to values.
    body: the request's bytes as they came, before any parsing.
    now: the clock in unix seconds; the machine's own if not given.
    """
    check = {"standard_webhooks": _standard_webhooks, "timestamped": _timestamped, "body": _body}[scheme]
    secrets = [secret for secret in secrets if secret not in ("", "whsec_")]
    headers = {name.lower(): value for name, value in headers.items()}
    now = int(time.time()) if now is None else now
    try:
        if not secrets:
            raise Failed("no_secret")
        timestamp, signatures, sign = check(headers, body)
        _check_age(timestamp, now, max_age_seconds)
        _check_signatures(signatures, [sign(secret) for secret in secrets])
    except Failed as failed:
        return str(failed)
    return "valid"


# Each scheme finds the timestamp, the signatures, and how a secret signs.


def _standard_webhooks(headers, body):
    message_id = _header(headers, ["webhook-id"])
    timestamp = _header(headers, ["webhook-timestamp"])
    entries = _header(headers, ["webhook-signature"]).split(" ")
    signatures = [entry[len("v1,"):] for entry in entries if entry.startswith("v1,")]
    if not signatures:
        raise Failed("header_malformed")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return timestamp, signatures, lambda secret: base64.b64encode(_mac(_standard_key(secret), signed)).decode()


def _timestamped(headers, body):
    timestamps, signatures = [], []
    for element in _header(headers, TIMESTAMPED_SIGNATURE).split(","):
        key, equals, value = element.lstrip(" \t").partition("=")
        if not equals:
            raise Failed("header_malformed")
        if key == "t":
            timestamps.append(value)
        elif key == "v1":
            signatures.append(value)
    # With two timestamps nobody knows which one was signed.
    if len(timestamps) != 1 or not signatures:
        raise Failed("header_malformed")
    signed = f"{timestamps[0]}.".encode() + body
    return timestamps[0], signatures, lambda secret: _mac(secret.encode(), signed).hex()


def _body(headers, body):
    signature = _header(headers, BODY_SIGNATURE)
    timestamp = _header(headers, BODY_TIMESTAMP)
    if not signature.startswith("sha256="):
        raise Failed("header_malformed")
    return timestamp, [signature], lambda secret: "sha256=" + _mac(secret.encode(), body).hex()


def _header(headers, names):
    for name in names:
        if headers.get(name):
            return headers[name]
    raise Failed("header_missing")


def _check_age(timestamp, now, max_age_seconds):
    # ASCII digits only: int() alone takes signs, spaces, underscores and other scripts' digits.
    if not re.fullmatch("[0-9]{1,18}", timestamp):
        raise Failed("timestamp_not_a_number")
    if now - int(timestamp) > max_age_seconds:
        raise Failed("too_old")
    if int(timestamp) - now > MAX_AHEAD_SECONDS:
        raise Failed("too_far_ahead")


def _check_signatures(received, expected):
    # Compares all with all, each in constant time, so that the time taken tells nothing.
    matches = [hmac.compare_digest(theirs.encode("ascii", "replace"), ours.encode())
               for ours in expected for theirs in received]
    if not any(matches):
        raise Failed("mismatch")


def _mac(key, signed):
    return hmac.new(key, signed, hashlib.sha256).digest()


def _standard_key(secret):
    """The base64 behind whsec_, decoded; else the secret's own bytes."""
    encoded = secret[len("whsec_"):]
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(encoded)
        except (binascii.Error, ValueError):
            return secret.encode()
        # b64decode skips what it does not know; only the one proper spelling is a key.
        if base64.b64encode(key).decode() == encoded:
            return key
    return secret.encode()


if __name__ == "__main__":
    for line in sys.stdin:
        case = json.loads(line)
        print(verify(case["scheme"], case["secrets"], case["headers"], base64.b64decode(case["body_base64"]),
                     case["now"], case["max_age_seconds"]))
