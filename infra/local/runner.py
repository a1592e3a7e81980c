"""Runs one local stack: emulator, deployment, front; until a signal or a failure ends it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deploy
from front import Origin
from instance import Instance

HERE = Path(__file__).resolve().parent
EMULATOR_START_SECONDS = 60
EMULATOR_STOP_SECONDS = 20
HEALTHY_SECONDS = 90


class StackError(Exception):
    """The stack cannot run; the message is for the person who asked for it."""


class Stopped(Exception):
    """A signal asked for the end."""


@dataclass(frozen=True)
class Options:
    """What `up` was asked for. A port of 0 means any free one."""

    api_port: int
    aws_port: int
    parameters: dict[str, str]
    profile: str
    binaries: Path | None
    fresh: bool


def say(text: str) -> None:
    print(text, flush=True)


def run(instance: Instance, options: Options, ready: Callable[[dict[str, Any]], None]) -> None:
    """Brings the stack up, calls `ready`, and stays until it is told to stop.

    The caller is the instance's runner already (`Instance.acquire`).
    """
    with stop_signals(), ExitStack() as cleanup:
        started = time.monotonic()
        if options.fresh:
            instance.drop_data()
        api_port = choose_port("API_PORT", options.api_port)
        aws_port = choose_aws_port(instance, options.aws_port)
        if options.binaries is None:
            say(f"building the functions (cargo build --profile {options.profile}) ...")
        binaries = options.binaries or deploy.build(options.profile)
        say(f"starting the AWS APIs on 127.0.0.1:{aws_port} ...")
        emulator = start_emulator(instance, aws_port)
        cleanup.callback(stop_emulator, emulator)
        endpoint = f"http://127.0.0.1:{aws_port}"
        wait_for_emulator(instance, emulator, endpoint)
        say("deploying template.yaml ...")
        deploy.deploy(endpoint, binaries, options.parameters)
        origin = Origin(api_port, ("127.0.0.1", aws_port), deploy.api_host(endpoint))
        threading.Thread(target=origin.serve_forever, daemon=True).start()
        cleanup.callback(origin.server_close)
        cleanup.callback(origin.shutdown)
        api_url = f"http://127.0.0.1:{api_port}"
        say("waiting for /api/health ...")
        wait_until_healthy(api_url)
        description = deploy.describe(endpoint, api_url)
        instance.publish(description)
        cleanup.callback(instance.description.unlink, missing_ok=True)
        say(f"up after {time.monotonic() - started:.0f} s")
        ready(description)
        emulator.wait()
        raise StackError(f"the emulator ended by itself; see {instance.emulator_log}")


@contextmanager
def stop_signals() -> Iterator[None]:
    """Ends the block with `Stopped` on the first SIGINT, SIGTERM or SIGHUP; ignores the rest."""
    stopping = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: object) -> None:
        for each in stopping:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    for each in stopping:
        signal.signal(each, stop)
    yield


def choose_port(name: str, wanted: int) -> int:
    """The port itself when it is free, any free one for 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise StackError(
                f"port {wanted} is taken ({error.strerror}): choose another with {name}=<port>"
            ) from error
        return int(probe.getsockname()[1])


def choose_aws_port(instance: Instance, wanted: int) -> int:
    """Queue URLs carry the emulator's port, so kept data belongs to the port it was made at."""
    instance.state.mkdir(parents=True, exist_ok=True)
    kept = int(instance.kept_port.read_text()) if instance.kept_port.exists() else 0
    if wanted and kept and wanted != kept:
        raise StackError(
            f"the kept data was made at AWS_PORT={kept}: use that port, or `make reset` first"
        )
    chosen = choose_port("AWS_PORT", kept or wanted)
    instance.kept_port.write_text(str(chosen))
    return chosen


def start_emulator(instance: Instance, port: int) -> subprocess.Popen[bytes]:
    """Starts MiniStack with an environment of its own: the functions inherit all of it."""
    # Code unpacked by an earlier run.
    shutil.rmtree(instance.scratch, ignore_errors=True)
    instance.scratch.mkdir(parents=True)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(instance.scratch),
        "TMPDIR": str(instance.scratch),
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(instance.state),
        "S3_DATA_DIR": str(instance.scratch / "s3"),
        # A listener on a fixed port, of no use here.
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    with instance.emulator_log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, str(HERE / "emulator.py")],
            env=environment,
            cwd=instance.scratch,
            # Its closing tells the emulator that we are gone, however we went.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl-C is ours to pass on, once the front is down.
            start_new_session=True,
        )


def stop_emulator(emulator: subprocess.Popen[bytes]) -> None:
    """Stops it softly, for it writes its state when it stops; hard when it does not."""
    emulator.terminate()
    try:
        emulator.wait(EMULATOR_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        emulator.kill()
        emulator.wait()


def get_json(url: str) -> tuple[int, Any]:
    """Status and document of an answer; status 0 when there was none."""
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except (OSError, ValueError) as error:
        return 0, str(error)


def wait_for_emulator(instance: Instance, emulator: subprocess.Popen[bytes], endpoint: str) -> None:
    give_up = time.monotonic() + EMULATOR_START_SECONDS
    while get_json(f"{endpoint}/_ministack/health")[0] != 200:
        if emulator.poll() is not None or time.monotonic() > give_up:
            raise StackError(f"the emulator did not start; see {instance.emulator_log}")
        time.sleep(0.1)


def wait_until_healthy(api_url: str) -> None:
    give_up = time.monotonic() + HEALTHY_SECONDS
    while True:
        status, document = get_json(f"{api_url}/api/health")
        if status == 200 and isinstance(document, dict) and document.get("status") == "healthy":
            return
        if time.monotonic() > give_up:
            raise StackError(f"/api/health is not healthy; last answer: {status} {document}")
        time.sleep(0.5)
