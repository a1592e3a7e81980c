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
import runner
import tokens
from emulator import partiql_check
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
