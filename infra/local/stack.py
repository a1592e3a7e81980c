"""The local stack: `up`, `exec`, `down`, `reset`, `logs`, `token`, `demo`. The Makefile is its usual caller."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import demo
import logs
import tokens
from deploy import ROOT, DeployError
from instance import Instance
from runner import Options, StackError, Stopped, run, say


def main() -> int:
    arguments = parse()
    instance = Instance(arguments.dir)
    try:
        return arguments.command(instance, arguments)
    except (StackError, DeployError, demo.DemoError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (Stopped, KeyboardInterrupt):
        return 0


def parse() -> argparse.Namespace:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--dir",
        type=Path,
        default=Path(os.environ.get("LOCAL_DIR", ROOT / ".local")),
        help="where the stack keeps its files",
    )
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run_it: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=[shared])
        added.set_defaults(command=run_it)
        return added

    start = command("up", up, "build, start and deploy; stay until Ctrl-C")
    add_start_options(start)
    start.add_argument("--detach", action="store_true", help="return when it is up")
    beside = command("exec", execute, "run a command beside a stack of its own, then stop it")
    add_start_options(beside)
    beside.add_argument("run", nargs="+", metavar="COMMAND")
    command("down", down, "stop it")
    command("reset", reset, "stop it and drop its data")
    follow = command("logs", show_logs, "follow the functions' logs")
    follow.add_argument("--since", type=float, default=10, metavar="MINUTES")
    token = command("token", show_token, "print an access token")
    token.add_argument("--role", default="admin")
    token.add_argument("--org", default=tokens.DEFAULT_ORG)
    token.add_argument("--user", default=tokens.DEFAULT_USER)
    command("demo", show_demo, "one event delivered, one dead letter redriven")
    return parser.parse_args()


def add_start_options(command: argparse.ArgumentParser) -> None:
    any_port = "0 for any free one"
    command.add_argument("--api-port", type=int, default=port("API_PORT", 3000), help=any_port)
    command.add_argument("--aws-port", type=int, default=port("AWS_PORT", 4566), help=any_port)
    command.add_argument("--param", action="append", default=[], metavar="KEY=VALUE")
    command.add_argument("--profile", default="ci", help="of cargo, for the functions")
    command.add_argument("--binaries", type=Path, help="use these instead of building")
    command.add_argument("--fresh", action="store_true", help="drop the kept data first")


def port(variable: str, default: int) -> int:
    return int(os.environ.get(variable) or default)


def up(instance: Instance, arguments: argparse.Namespace) -> int:
    if instance.runner() is not None:
        return say_found(instance)
    if arguments.detach:
        return up_detached(instance)
    lock = instance.acquire()
    if lock is None:
        return say_found(instance)
    with lock:
        try:
            run(instance, options(arguments), welcome)
        except Stopped:
            say("stopped")
    return 0


def options(arguments: argparse.Namespace) -> Options:
    return Options(
        arguments.api_port,
        arguments.aws_port,
        parameters(arguments.param),
        arguments.profile,
        arguments.binaries,
        arguments.fresh,
    )


class CommandEnded(Exception):
    """The command of `exec` has ended, and with it the need for the stack."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def execute(instance: Instance, arguments: argparse.Namespace) -> int:
    """The command finds the stack through ARAGORA_STACK, and its status is ours."""
    lock = instance.acquire()
    if lock is None:
        raise StackError(f"{instance.directory} is in use by process {instance.runner()}")

    def ready(description: dict[str, Any]) -> None:
        environment = os.environ | {"ARAGORA_STACK": str(instance.description)}
        raise CommandEnded(subprocess.run(arguments.run, env=environment).returncode)

    with lock:
        try:
            run(instance, options(arguments), ready)
        except CommandEnded as end:
            return end.status
        except Stopped:
            return 130
    return 0


def say_found(instance: Instance) -> int:
    description = instance.describe()
    if description is None:
        say(f"it is being started by process {instance.runner()}")
    else:
        say("it is up already")
        welcome(description)
    return 0


def up_detached(instance: Instance) -> int:
    """Starts `up` in a session of its own and shows its progress until it is up or has failed."""
    instance.directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, *(part for part in sys.argv if part != "--detach")]
    with instance.log.open("wb") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    with instance.log.open(errors="replace") as progress:
        try:
            while child.poll() is None and instance.describe() is None:
                print(progress.read(), end="", flush=True)
                time.sleep(0.2)
        except KeyboardInterrupt:
            child.send_signal(signal.SIGTERM)
            child.wait()
        print(progress.read(), end="", flush=True)
    if child.poll() is not None:
        return child.returncode or 1
    return 0


def parameters(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise StackError(f"--param {pair}: expected KEY=VALUE")
        found[key] = value
    return found


def welcome(description: dict[str, Any]) -> None:
    url = description["api_url"]
    token = tokens.mint(description["jwt_secret"])
    say(f"""
  Aragora Serverless is at {url}
  the AWS APIs are at       {description['aws_endpoint_url']}

  An admin token of {tokens.DEFAULT_ORG}, good for a day:

export TOKEN={token}

  Try:

curl -s {url}/api/health

curl -s {url}/api/webhooks -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
  -d '{{"url": "http://127.0.0.1:9999/hook", "event_types": ["*"]}}'

curl -s {url}/api/events -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
  -d '{{"event_type": "debate.completed", "debate_id": "deb-1", "data": {{"task": "Design a rate limiter"}}}}'
""")


def running(instance: Instance) -> dict[str, Any]:
    description = instance.describe()
    if description is None:
        raise StackError("the stack is not up: `make up` first")
    return description


def down(instance: Instance, arguments: argparse.Namespace) -> int:
    say("stopped" if instance.stop() else "it was not running")
    return 0


def reset(instance: Instance, arguments: argparse.Namespace) -> int:
    was_up = instance.stop()
    instance.drop_data()
    say("stopped, and its data dropped" if was_up else "its data is dropped")
    return 0


def show_logs(instance: Instance, arguments: argparse.Namespace) -> int:
    logs.follow(running(instance), arguments.since)
    return 0


def show_token(instance: Instance, arguments: argparse.Namespace) -> int:
    secret = running(instance)["jwt_secret"]
    print(tokens.mint(secret, arguments.role, arguments.org, arguments.user))
    return 0


def show_demo(instance: Instance, arguments: argparse.Namespace) -> int:
    demo.run(running(instance))
    return 0


if __name__ == "__main__":
    sys.exit(main())
