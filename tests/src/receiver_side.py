"""What a receiver does with a delivery, run by the system tests in a real python3.

`check` reads deliveries from stdin and prints the problems of each; `generate` prints JSON texts
to publish. The two verifiers are as the features guide and the operations runbook print them.
"""
import base64
import hashlib
import hmac
import json
import random
import sys


# Features guide, "Verifying Signatures".
def verify_raw(payload: bytes, signature: str, secret: str) -> bool:
    expected = "sha256=" + hmac.new(
        secret.encode(),
        payload,
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(signature, expected)


# Operations runbook, "HMAC Signature Verification".
def verify_parsed(payload: dict, signature: str, secret: str) -> bool:
    expected = "sha256=" + hmac.new(
        secret.encode(),
        json.dumps(payload).encode(),
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected, signature)


def timestamped(secret: str, timestamp: str, body: bytes) -> str:
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"t={timestamp},v1={mac.hexdigest()}"


def standard(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    if secret.startswith("whsec_"):
        key = base64.b64decode(secret[len("whsec_"):])
    else:
        key = secret.encode()
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def problems(delivery: dict):
    secret, headers = delivery["secret"], delivery["headers"]
    body = base64.b64decode(delivery["body"])
    payload = json.loads(body)
    printed = json.dumps(payload).encode()
    if printed != body:
        yield f"json.dumps prints {printed[:400]!r}, not {body[:400]!r}"
    if not verify_raw(body, headers["x-signature-sha256"], secret):
        yield "X-Signature-SHA256 does not verify as the features guide does it"
    if not verify_parsed(payload, headers["x-webhook-signature"], secret):
        yield "X-Webhook-Signature does not verify as the runbook does it"
    if not verify_raw(body, headers["x-aragora-signature"], secret):
        yield "X-Aragora-Signature is not the body's MAC"
    stamp = headers["x-aragora-timestamp"]
    if headers["x-aragora-signature-timestamped"] != timestamped(secret, stamp, body):
        yield "X-Aragora-Signature-Timestamped does not verify"
    expected = standard(secret, headers["webhook-id"], headers["webhook-timestamp"], body)
    if expected not in headers["webhook-signature"].split(" "):
        yield "webhook-signature has no valid Standard Webhooks signature"
    published = delivery.get("published_data")
    if published is not None and not body.endswith(b'"data": ' + json.dumps(json.loads(published)).encode() + b"}"):
        yield f"the data is not what was published: {published[:400]}"


def text(source: random.Random) -> str:
    alphabet = 'aZ09 /"\\\b\f\n\r\t\x00\x1f\x7f\x80\xe9\u2028\ufffd\uffff\U0001f600\U0010ffff'
    return "".join(source.choice(alphabet) for _ in range(source.randrange(12)))


def number(source: random.Random):
    whole = source.choice([0, -1, 2**31, 2**53 + 1, -(2**63), 2**64, 10**40 + 7])
    spelled = source.choice(["1e16", "1E-5", "-0.0", "-0", "0.1", "100.00", "1e+2", "5e-324", "1.7976931348623157e308",
                             "123456789.123456789", "0.30000000000000004", "1e22", "1e23", "9007199254740993.0"])
    return source.choice([whole, source.random() * 10 ** source.randrange(-20, 20), Spelled(spelled)])


class Spelled(float):
    """A number that is published as it was spelled."""
    def __new__(cls, spelling):
        made = super().__new__(cls, spelling)
        made.spelling = spelling
        return made

    def __repr__(self):
        return self.spelling


def value(source: random.Random, depth: int):
    kinds = ["text", "number", "fixed"] + (["list", "object"] if depth else [])
    kind = source.choice(kinds)
    if kind == "text":
        return text(source)
    if kind == "number":
        return number(source)
    if kind == "fixed":
        return source.choice([None, True, False, {}, []])
    if kind == "list":
        return [value(source, depth - 1) for _ in range(source.randrange(4))]
    return {text(source): value(source, depth - 1) for _ in range(source.randrange(4))}


def print_json(item, source: random.Random) -> str:
    """JSON with spaces and escapes where a publisher may put them."""
    gap = lambda: source.choice(["", " ", "\n\t"])
    if isinstance(item, dict):
        inner = ("," + gap()).join(f"{print_json(k, source)}{gap()}:{gap()}{print_json(v, source)}" for k, v in item.items())
        return "{" + inner + "}"
    if isinstance(item, list):
        return "[" + gap() + ("," + gap()).join(print_json(each, source) for each in item) + gap() + "]"
    if isinstance(item, Spelled):
        return item.spelling
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=source.random() < 0.5)
    return json.dumps(item)


def generate(seed: int, count: int):
    source = random.Random(seed)
    return [print_json({"value": value(source, 3), "n": n}, source) for n in range(count)]


if sys.argv[1] == "check":
    json.dump([list(problems(delivery)) for delivery in json.load(sys.stdin)], sys.stdout)
else:
    json.dump(generate(int(sys.argv[2]), int(sys.argv[3])), sys.stdout)
