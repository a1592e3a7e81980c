"""The demonstration: one event delivered and verified, one dead letter redriven.

Everything goes through the running stack's public doors: its HTTP API, a receiver of our own, and
for the redrive the real queues. It asserts what it shows, so it is a smoke test as well.
"""

import hashlib
import hmac
import json
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import tokens
from deploy import client

PATIENCE_SECONDS = 60

DEBATE_COMPLETED = {
    "event_type": "debate.completed",
    "debate_id": "deb-rate-limiter",
    "data": {
        "task": "Design a rate limiter for a multi-tenant API",
        "outcome": "consensus",
        "consensus_strength": 0.92,
        "rounds": 3,
        "agents": ["architect", "skeptic", "operator"],
        "conclusion": "A token bucket per tenant, kept in one item and refilled when it is read",
        "dissent": [{"agent": "skeptic", "note": "a hot tenant still makes a hot partition"}],
    },
}
AGENT_ERROR = {
    "event_type": "agent.error",
    "debate_id": "deb-rate-limiter",
    "data": {"agent": "operator", "round": 2, "error": "the provider timed out after 30 s"},
}


class DemoError(Exception):
    """Something did not happen as the demonstration says; the message says what."""


@dataclass(frozen=True)
class Delivery:
    """One request that reached the receiver."""

    headers: dict[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """A webhook receiver on a loopback port, which can be told to fail."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ReceiverHandler)
        self.failing = False
        self.deliveries: queue.Queue[Delivery] = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_port}/hook"

    def next_delivery(self) -> Delivery:
        try:
            return self.deliveries.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            raise DemoError(f"nothing reached {self.url} in {PATIENCE_SECONDS} s") from None


class ReceiverHandler(BaseHTTPRequestHandler):
    """Keeps what arrives and answers 200, or 503 while the receiver is failing."""

    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.deliveries.put(Delivery(headers, body))
        self.send_response(503 if self.server.failing else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the demonstration prints what it receives."""


class Api:
    """The stack's HTTP API, as an admin of the demonstration's organisation."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.url = description["api_url"]
        self.token = tokens.mint(description["jwt_secret"])

    def call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            raise DemoError(f"{method} {path}: {error.code} {error.read().decode()}") from error
        except OSError as error:
            raise DemoError(f"{method} {path}: {error}") from error

    @contextmanager
    def webhook(self, receiver: Receiver, **settings: object) -> Any:
        """A registration that is deleted when the block ends."""
        webhook = self.call("POST", "/api/webhooks", {"url": receiver.url, **settings})
        try:
            yield webhook
        finally:
            self.call("DELETE", f"/api/webhooks/{webhook['id']}")

    def receipt(self, webhook: dict[str, Any], delivery_id: str, status: str) -> dict[str, Any]:
        """The delivery's receipt, once it has this status."""
        path = f"/api/webhooks/{webhook['id']}/receipts/{delivery_id}"

        def look() -> dict[str, Any] | None:
            receipt = self.call("GET", path)
            return receipt if receipt["status"] == status else None

        return wait_for(f"the receipt to be {status}", look)


def run(description: dict[str, Any]) -> None:
    """Shows both stories; raises `DemoError` when one does not go as told."""
    receiver = Receiver()
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        show_delivery(Api(description), receiver)
        show_redrive(Api(description), receiver, description)
    finally:
        receiver.shutdown()
        receiver.server_close()


def show_delivery(api: Api, receiver: Receiver) -> None:
    title("One event, delivered and verified")
    types = ["debate.completed"]
    with api.webhook(receiver, event_types=types, description="make demo") as webhook:
        step("registered a webhook", webhook["id"], f"for {types[0]} at {receiver.url}")
        accepted = api.call("POST", "/api/events", DEBATE_COMPLETED)
        step("published the end of a debate", accepted["event_id"])
        delivery = receiver.next_delivery()
        step("the receiver got it:")
        show_request(delivery)
        if not verify(delivery.body, delivery.headers["x-signature-sha256"], webhook["secret"]):
            raise DemoError("the signature does not verify")
        step("its signature verifies with the webhook's secret")
        delivery_id = delivery.headers["x-webhook-delivery-id"]
        step("its receipt:")
        show_receipt(api.receipt(webhook, delivery_id, "DELIVERED"))


def show_redrive(api: Api, receiver: Receiver, description: dict[str, Any]) -> None:
    title("One dead letter, redriven")
    receiver.failing = True
    settings: dict[str, object] = {
        "event_types": ["agent.error"],
        "retry_policy": {"max_retries": 0},
        "description": "make demo, failing",
    }
    with api.webhook(receiver, **settings) as webhook:
        step("registered a webhook without retries", webhook["id"], "whose receiver answers 503")
        accepted = api.call("POST", "/api/events", AGENT_ERROR)
        step("published an agent's error", accepted["event_id"])
        delivery_id = receiver.next_delivery().headers["x-webhook-delivery-id"]
        show_receipt(api.receipt(webhook, delivery_id, "DEAD_LETTERED"))
        receiver.failing = False
        step("the receiver is well again; moving the message from its dead-letter queue back")
        redrive(description, delivery_id)
        delivery = receiver.next_delivery()
        if delivery.headers["x-webhook-delivery-id"] != delivery_id:
            raise DemoError("another delivery than the redriven one arrived")
        if not verify(delivery.body, delivery.headers["x-signature-sha256"], webhook["secret"]):
            raise DemoError("the signature of the redriven delivery does not verify")
        step("it arrived under the same delivery id, signed anew; its receipt:")
        show_receipt(api.receipt(webhook, delivery_id, "DELIVERED"))


def redrive(description: dict[str, Any], delivery_id: str) -> None:
    """Moves one message as StartMessageMoveTask would, which the emulator does not have."""
    sqs = client("sqs", description["aws_endpoint_url"])
    source = description["queues"]["deliveries_dlq"]

    def look() -> dict[str, Any] | None:
        received = sqs.receive_message(
            QueueUrl=source,
            MaxNumberOfMessages=10,
            VisibilityTimeout=2,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        for message in received.get("Messages", []):
            if delivery_id in message["Body"]:
                return message
        return None

    message = wait_for("the dead letter to be on its queue", look)
    moved = {
        "QueueUrl": description["queues"]["deliveries"],
        "MessageBody": message["Body"],
        "MessageAttributes": message.get("MessageAttributes", {}),
    }
    if group := message["Attributes"].get("MessageGroupId"):
        moved["MessageGroupId"] = group
    sqs.send_message(**moved)
    sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])


def verify(body: bytes, header: str, secret: str) -> bool:
    """What a receiver does: the MAC of the bytes as they came, compared in constant time."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(header, f"sha256={mac}")


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(0.3)
    raise DemoError(f"waited {PATIENCE_SECONDS} s for {what}")


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def step(*parts: str) -> None:
    print("*", *parts, flush=True)


def show_request(delivery: Delivery) -> None:
    for name in sorted(delivery.headers):
        if name.startswith(("x-", "webhook-")):
            print(f"    {name}: {delivery.headers[name]}")
    print(f"    {delivery.body.decode()}")


def show_receipt(receipt: dict[str, Any]) -> None:
    shown = ("delivery_id", "status", "http_status", "attempt_count", "latency_ms", "error_message")
    print("   ", json.dumps({key: receipt[key] for key in shown if receipt.get(key) is not None}))
