"""The parts of the local stack that need no emulator."""

import base64
import hashlib
import hmac
import io
import json
import os
import socket
import tempfile
import unittest
import zipfile
from pathlib import Path

import deploy
import emulator
import runner
import tokens
from emulator import in_fair_order, partiql_check
from instance import Instance


class TokensTest(unittest.TestCase):
    def test_a_token_is_signed_with_the_current_secret(self) -> None:
        head, claims, mac = tokens.mint("new,old", role="viewer", org="org-1").split(".")
        expected = hmac.new(b"new", f"{head}.{claims}".encode(), hashlib.sha256).digest()
        self.assertEqual(base64.urlsafe_b64decode(mac + "=="), expected)
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
        self.assertEqual((decoded["role"], decoded["org_id"]), ("viewer", "org-1"))
        self.assertEqual(decoded["type"], "access")


class PartiqlTest(unittest.TestCase):
    TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/aragora-events"

    def check(self, statement: str) -> tuple[str, str] | None:
        return partiql_check(statement, "us-east-1", "000000000000")

    def test_each_verb_is_an_action_on_its_table(self) -> None:
        for statement, action in {
            "INSERT INTO \"aragora-events\" VALUE {'pk': ?}": "dynamodb:PartiQLInsert",
            'insert into "aragora-events" value ?': "dynamodb:PartiQLInsert",
            'UPDATE "aragora-events" SET a=? WHERE pk=?': "dynamodb:PartiQLUpdate",
            'DELETE FROM "aragora-events" WHERE pk=?': "dynamodb:PartiQLDelete",
            'SELECT a, b FROM "aragora-events" WHERE pk=?': "dynamodb:PartiQLSelect",
        }.items():
            self.assertEqual(self.check(statement), (action, self.TABLE), statement)

    def test_an_index_is_a_resource_of_its_own(self) -> None:
        found = self.check('SELECT * FROM "aragora-events"."by_org" WHERE org=?')
        self.assertEqual(found, ("dynamodb:PartiQLSelect", f"{self.TABLE}/index/by_org"))

    def test_what_cannot_be_read_is_not_guessed(self) -> None:
        self.assertIsNone(self.check("EXISTS(SELECT 1)"))


class FairOrderTest(unittest.TestCase):
    NOW = 1000.0

    def queue(self, *parts: tuple[str | None, int, int]) -> list[dict[str, object]]:
        """Messages by group, as many in flight and as many visible, in the order given."""
        return [
            {
                "id": f"{group}{number}",
                "group_id": group,
                "receive_count": 1 if number < in_flight else 0,
                "visible_at": self.NOW + 60 if number < in_flight else self.NOW - 1,
            }
            for group, in_flight, visible in parts
            for number in range(in_flight + visible)
        ]

    def returned(self, *parts: tuple[str | None, int, int]) -> list[str]:
        ordered = in_fair_order(self.queue(*parts), self.NOW)
        return [str(it["id"]) for it in ordered if float(str(it["visible_at"])) <= self.NOW]

    def test_without_a_noisy_neighbour_the_oldest_comes_first(self) -> None:
        self.assertEqual(self.returned(("a", 29, 2), ("b", 0, 1)), ["a29", "a30", "b0"])

    def test_a_noisy_neighbour_comes_last_and_is_not_left_out(self) -> None:
        found = self.returned(("a", 30, 2), ("b", 0, 1), ("c", 3, 1))
        self.assertEqual(found, ["b0", "c3", "a30", "a31"])

    def test_a_tenth_of_what_is_in_flight_is_not_noisy(self) -> None:
        crowd = [(f"g{number}-", 27, 0) for number in range(10)]
        # 30 of 300; more than a tenth it must be.
        self.assertEqual(self.returned(("a", 30, 1), ("b", 0, 1), *crowd), ["a30", "b0"])

    def test_of_noisy_neighbours_the_one_with_fewest_in_flight_comes_first(self) -> None:
        found = self.returned(("a", 50, 1), ("b", 40, 1), ("c", 0, 1))
        self.assertEqual(found, ["c0", "b40", "a50"])

    def test_messages_without_a_group_are_nobodys_neighbour(self) -> None:
        self.assertEqual(self.returned((None, 40, 1), ("b", 0, 1)), ["None40", "b0"])

    def test_what_waits_for_its_time_is_not_in_flight(self) -> None:
        waiting = self.queue(("a", 40, 1))
        for message in waiting:
            message["receive_count"] = 0
        ordered = in_fair_order([*waiting, *self.queue(("b", 0, 1))], self.NOW)
        self.assertEqual([it["id"] for it in ordered[-2:]], ["a40", "b0"])


class ReceiveFairlyTest(unittest.TestCase):
    """The correction at work in the emulator's own queue."""

    def test_a_quiet_group_does_not_wait_behind_a_noisy_one(self) -> None:
        original = emulator.sqs._collect_msgs
        self.addCleanup(setattr, emulator.sqs, "_collect_msgs", original)
        emulator.receive_fairly()
        queue: dict[str, object] = {"is_fifo": False, "messages": []}
        messages = queue["messages"]
        assert isinstance(messages, list)
        for group, count in {"noisy": 100, "quiet": 1}.items():
            for number in range(count):
                messages.append({"id": f"{group}{number}", "group_id": group, "body": ""})
        for _ in range(3):
            emulator.sqs._collect_msgs(queue, 10, 60)
        found = [message["id"] for message in emulator.sqs._collect_msgs(queue, 10, 60)]
        self.assertEqual(found, ["quiet0", *(f"noisy{number}" for number in range(30, 39))])
        self.assertEqual(len(messages), 101)
        flying = [message for message in messages if message["receive_count"] == 1]
        self.assertEqual(len(flying), 40)


class PackageTest(unittest.TestCase):
    def test_the_zip_is_an_executable_bootstrap_and_always_the_same(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            binary = Path(directory, "deliver")
            binary.write_bytes(b"\x7fELF")
            archive = deploy.package(binary)
            os.utime(binary, (0, 0))
            self.assertEqual(archive, deploy.package(binary))
        entry = zipfile.ZipFile(io.BytesIO(archive)).getinfo("bootstrap")
        self.assertEqual(entry.external_attr >> 16, 0o755)

    def test_every_function_of_the_template_has_its_directory(self) -> None:
        directories = {path.name for path in (deploy.ROOT / "functions").iterdir() if path.is_dir()}
        self.assertEqual(set(deploy.function_names()), directories)


class InstanceTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.instance = Instance(Path(directory.name))

    def test_there_is_one_runner_and_it_is_known(self) -> None:
        self.assertIsNone(self.instance.runner())
        held = self.instance.acquire()
        assert held is not None
        self.assertIsNone(self.instance.acquire())
        self.assertEqual(self.instance.runner(), os.getpid())
        held.close()
        self.assertIsNone(self.instance.runner())

    def test_what_a_killed_run_left_is_not_a_running_stack(self) -> None:
        self.instance.description.write_text("{}")
        self.instance.lock_file.write_text("1")
        self.assertIsNone(self.instance.describe())
        held = self.instance.acquire()
        assert held is not None
        held.close()
        self.assertFalse(self.instance.description.exists())

    def test_a_taken_port_is_named(self) -> None:
        taken = runner.choose_port("API_PORT", 0)
        with socket.socket() as other:
            other.bind(("127.0.0.1", taken))
            other.listen()
            with self.assertRaisesRegex(runner.StackError, f"port {taken} is taken.*API_PORT"):
                runner.choose_port("API_PORT", taken)

    def test_kept_data_belongs_to_its_port(self) -> None:
        chosen = runner.choose_aws_port(self.instance, 0)
        self.assertEqual(runner.choose_aws_port(self.instance, 0), chosen)
        with self.assertRaisesRegex(runner.StackError, f"AWS_PORT={chosen}"):
            runner.choose_aws_port(self.instance, chosen + 1)


if __name__ == "__main__":
    unittest.main()
