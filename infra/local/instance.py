"""One local stack's directory, and whether somebody runs it.

The runner holds a lock on a file for as long as it lives. The kernel drops the lock however the
runner ends, so nothing that a killed run left behind can be mistaken for a running one.
"""

import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import IO, Any

STOP_SECONDS = 40


class Instance:
    """The files of one local stack under `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.lock_file = self.directory / "runner.lock"
        self.description = self.directory / "stack.json"
        self.log = self.directory / "stack.log"
        self.emulator_log = self.directory / "emulator.log"
        self.state = self.directory / "state"
        self.scratch = self.directory / "tmp"
        self.kept_port = self.state / "aws-port"

    def acquire(self) -> IO[str] | None:
        """Becomes the runner, or returns None because there is one. Closing the file gives up."""
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self.lock_file.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        # A killed run could not remove it.
        self.description.unlink(missing_ok=True)
        return file

    def runner(self) -> int | None:
        """The process id of the runner, or None when nobody runs this stack."""
        try:
            file = self.lock_file.open("r+")
        except FileNotFoundError:
            return None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
        return None

    def stop(self) -> bool:
        """Stops the runner and waits until it is gone; False when there was none."""
        pid = self.runner()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        give_up = time.monotonic() + STOP_SECONDS
        while self.runner() == pid:
            if time.monotonic() > give_up:
                os.kill(pid, signal.SIGKILL)
                give_up += STOP_SECONDS
            time.sleep(0.1)
        self.description.unlink(missing_ok=True)
        return True

    def describe(self) -> dict[str, Any] | None:
        """What stack.json says, or None when the stack is not up."""
        if self.runner() is None or not self.description.exists():
            return None
        return json.loads(self.description.read_text())

    def publish(self, description: dict[str, Any]) -> None:
        """Writes stack.json in one step: whoever sees it sees all of it."""
        draft = self.description.with_suffix(".new")
        draft.write_text(json.dumps(description, indent=2) + "\n")
        # It carries the stack's secrets.
        draft.chmod(0o600)
        draft.replace(self.description)

    def drop_data(self) -> None:
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
