"""MiniStack, started as a child of the local stack, with seven corrections.

MiniStack 1.5.33 differs from AWS in places that our template and functions would notice. Each
correction wraps one function of the pinned release; a release without that function fails here at
once rather than quietly behaving differently.
"""

import json
import os
import re
import signal
import string
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.services import apigateway, lambda_svc, sqs
from ministack.services.cloudformation import provisioners

PARTIQL = re.compile(
    r"""\s*(?P<verb>INSERT\s+INTO|UPDATE|DELETE\s+FROM|SELECT\b.*?\bFROM)\s+
        "?(?P<table>[\w.-]+?)"?(?:\."?(?P<index>[\w-]+)"?)?(?:\s|$)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
PARTIQL_ACTIONS = {
    "INSERT": "dynamodb:PartiQLInsert",
    "UPDATE": "dynamodb:PartiQLUpdate",
    "DELETE": "dynamodb:PartiQLDelete",
    "SELECT": "dynamodb:PartiQLSelect",
}
# Stands for OPTIONS between the router and the function; no client can send it.
PREFLIGHT = "options"
# A group of a standard queue is a noisy neighbour when it has at least so many messages in flight,
# and more than this share of all that are.
NOISY_IN_FLIGHT = 30
NOISY_SHARE = 0.1


def partiql_check(statement: str, region: str, account_id: str) -> tuple[str, str] | None:
    """The IAM action and the table or index ARN that AWS authorizes one statement with."""
    match = PARTIQL.match(statement)
    if match is None:
        return None
    arn = f"arn:aws:dynamodb:{region}:{account_id}:table/{match['table']}"
    if match["index"]:
        arn += f"/index/{match['index']}"
    return PARTIQL_ACTIONS[match["verb"].split()[0].upper()], arn


def authorize_partiql_per_statement() -> None:
    """MiniStack asks for `dynamodb:BatchExecuteStatement` on `*`; AWS has no such action.

    AWS authorizes every statement by itself, as `dynamodb:PartiQLInsert` and its like on the
    statement's table. A statement that cannot be read is left to MiniStack, which denies it.
    """
    original = iam_actions.dynamodb_transaction_checks

    def checks(action: str, body: bytes, region: str, account_id: str) -> list[tuple[str, str]]:
        if action not in ("dynamodb:BatchExecuteStatement", "dynamodb:ExecuteStatement"):
            return original(action, body, region, account_id)
        request = json.loads(body or b"{}")
        found = [
            partiql_check(str(statement.get("Statement", "")), region, account_id)
            for statement in request.get("Statements", [request])
        ]
        return [check for check in found if check] if all(found) else []

    iam_actions.dynamodb_transaction_checks = checks


def authorize_queue_batches_as_single_calls() -> None:
    """MiniStack asks for `sqs:SendMessageBatch`; for AWS a batch is the single action's right."""
    original = iam_actions.extract_iam_action

    def action(service: str, *rest: Any) -> str | None:
        found = original(service, *rest)
        return found.removesuffix("Batch") if found and service == "sqs" else found

    iam_actions.extract_iam_action = action


def route_preflights_to_functions() -> None:
    """MiniStack answers OPTIONS with 403 when the API has no CORS configuration of its own.

    AWS sends it to the route, and ours are `ANY`: CORS is the functions' business.
    """
    execute: Callable[..., Any] = apigateway.handle_execute
    invoke: Callable[..., Any] = apigateway._invoke_lambda_proxy

    async def handle_execute(
        api_id: str, stage: str, path: str, method: str, *rest: Any, **named: Any
    ) -> Any:
        return await execute(
            api_id, stage, path, PREFLIGHT if method == "OPTIONS" else method, *rest, **named
        )

    async def invoke_lambda_proxy(
        integration: Any, api_id: str, stage: str, path: str, method: str, *rest: Any, **named: Any
    ) -> Any:
        method = "OPTIONS" if method == PREFLIGHT else method
        return await invoke(integration, api_id, stage, path, method, *rest, **named)

    apigateway.handle_execute = handle_execute
    apigateway._invoke_lambda_proxy = invoke_lambda_proxy


def hide_function_errors() -> None:
    """MiniStack shows a caller the error document of a crashed function, with 502.

    An HTTP API answers 500 and says nothing else.
    """
    original = lambda_svc.lambda_execute_result_to_api_proxy_response

    def to_response(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        if result.get("error") and not result.get("throttle"):
            return {"statusCode": 500, "body": '{"message":"Internal Server Error"}'}, None
        return original(result)

    lambda_svc.lambda_execute_result_to_api_proxy_response = to_response


def generate_secrets_as_asked() -> None:
    """Of GenerateSecretString, MiniStack reads `ExcludeCharacters` and no other exclusion."""
    original = provisioners._sm_secret_string
    classes = {
        "ExcludePunctuation": string.punctuation,
        "ExcludeUppercase": string.ascii_uppercase,
        "ExcludeLowercase": string.ascii_lowercase,
        "ExcludeNumbers": string.digits,
    }

    def secret_string(properties: dict[str, Any]) -> str:
        generate = dict(properties.get("GenerateSecretString") or {})
        if generate:
            excluded = (characters for name, characters in classes.items() if generate.get(name))
            generate["ExcludeCharacters"] = generate.get("ExcludeCharacters", "") + "".join(
                excluded
            )
            properties = {**properties, "GenerateSecretString": generate}
        return original(properties)

    provisioners._sm_secret_string = secret_string


def read_concurrency_as_number() -> None:
    """A template parameter reaches an event source mapping as text, and MiniStack compares it."""
    original = lambda_svc._sqs_esm_concurrency

    def concurrency(mapping: dict[str, Any], *rest: Any) -> int:
        scaling = mapping.get("ScalingConfig") or {}
        if "MaximumConcurrency" in scaling:
            scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
        return original(mapping, *rest)

    lambda_svc._sqs_esm_concurrency = concurrency


def in_fair_order(messages: list[dict[str, Any]], now: float) -> list[dict[str, Any]]:
    """The messages in the order in which SQS returns them: those of noisy groups last.

    Of noisy groups the one with the fewest messages in flight comes first. Otherwise the order is
    that of `messages`. One without a group is a group of its own.
    """
    flying = Counter(
        message.get("group_id")
        for message in messages
        if message["visible_at"] > now and message["receive_count"] > 0
    )
    share = NOISY_SHARE * flying.total()
    noisy = {
        group: count
        for group, count in flying.items()
        if group and count >= NOISY_IN_FLIGHT and count > share
    }
    return sorted(messages, key=lambda message: noisy.get(message.get("group_id"), 0))


def receive_fairly() -> None:
    """MiniStack returns the oldest messages of a standard queue, whosever they are.

    AWS looks at `MessageGroupId` ("fair queues"). Its second measure, a group's recent share of the
    time of all consumers, is left out: AWS does not say what is recent, and what is fair without it
    is fair with it.
    """
    original = sqs._collect_msgs

    def collect(queue: dict[str, Any], *rest: Any) -> list[dict[str, Any]]:
        if not queue["is_fifo"]:
            for message in queue["messages"]:
                sqs._ensure_msg_fields(message)
            # The messages themselves are marked as received; the list is only read.
            queue = {**queue, "messages": in_fair_order(queue["messages"], time.time())}
        return original(queue, *rest)

    sqs._collect_msgs = collect


def stop_with_parent() -> None:
    """Stops when the parent's end of stdin closes, however the parent ended."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    stop_with_parent()
    authorize_partiql_per_statement()
    authorize_queue_batches_as_single_calls()
    route_preflights_to_functions()
    hide_function_errors()
    generate_secrets_as_asked()
    read_concurrency_as_number()
    receive_fairly()
    app.main()
