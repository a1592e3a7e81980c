"""Follows the functions' CloudWatch logs."""

import time
from typing import Any

from deploy import client

POLL_SECONDS = 1.0
# Events may become visible a little after others with a later time.
OVERLAP_MS = 5_000
# Time in milliseconds, function, log stream, text.
Line = tuple[int, str, str, str]


def follow(description: dict[str, Any], since_minutes: float) -> None:
    """Prints what the functions log, the last `since_minutes` first, until interrupted."""
    logs = client("logs", description["aws_endpoint_url"])
    groups = {f"/aws/lambda/{name}": short for short, name in description["functions"].items()}
    width = max(len(short) for short in groups.values())
    start = int((time.time() - since_minutes * 60) * 1000)
    seen: set[Line] = set()
    while True:
        now = int(time.time() * 1000)
        found = [
            line for group, short in groups.items() for line in lines(logs, group, short, start)
        ]
        fresh = [line for line in found if line not in seen]
        for timestamp, short, _, message in sorted(fresh, key=lambda line: line[0]):
            clock = time.strftime("%H:%M:%S", time.localtime(timestamp / 1000))
            print(f"{clock} {short:<{width}} {message}", flush=True)
        seen = set(found)
        start = max(start, now - OVERLAP_MS)
        time.sleep(POLL_SECONDS)


def lines(logs: Any, group: str, short: str, start: int) -> list[Line]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
    try:
        events = [event for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []  # the function has not run yet
    # MiniStack gives its events no eventId: time, stream and text are as good.
    return [
        (event["timestamp"], short, event["logStreamName"], event["message"].rstrip())
        for event in events
        if not event["message"].startswith(("START ", "END "))
    ]
