"""A broker that asks every user for its rights: KRaft's own authorizer, users by SCRAM, and Kafka's tools to administer it."""

import os
import secrets
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from tests.engines.kafka_broker import Broker

ADMINISTRATOR, MECHANISM = "administrator", "SCRAM-SHA-512"
TOOLS = {
    "kafka-acls.sh": "org.apache.kafka.tools.AclCommand",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
}
TOOL_SECONDS = 60


class GuardedBroker:
    """`tools` is a folder where the administrator works: Kafka's tools stand in it, and what lets in whoever runs them."""

    def __init__(self, ends_with: Sequence[int]) -> None:
        self._password = secrets.token_hex(8)
        login = f'{_module("scram.ScramLoginModule")} username="{ADMINISTRATOR}" password="{self._password}";'
        self.broker = Broker.create(
            ends_with=ends_with,
            further={
                "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                # A broker and its controller, on a line that nobody else knows, ask each other for no name.
                "super.users": f"User:{ADMINISTRATOR};User:ANONYMOUS",
                "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,LINE:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
                "sasl.enabled.mechanisms": MECHANISM,
                "sasl.mechanism.inter.broker.protocol": MECHANISM,
                **{f"listener.name.{name}.{MECHANISM.lower()}.sasl.jaas.config": login for name in ("plaintext", "line")},
            },
            format_options=("--add-scram", f"{MECHANISM}=[name={ADMINISTRATOR},password={self._password}]"),
        )
        self.servers = self.broker.bootstrap_servers
        self.tools = self.broker.root / "tools"
        self.tools.mkdir()
        for name, program in TOOLS.items():
            command = shlex.join(self.broker.java(program))
            (self.tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            (self.tools / name).chmod(0o755)
        (self.tools / "admin.properties").write_text(
            f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism={MECHANISM}\nsasl.jaas.config={login}\n"
        )

    def remove(self) -> None:
        self.broker.remove()

    def run(self, script: Path, passwords: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """As its administrator, with the tools at hand and a file with the password of each user."""
        for user, password in passwords.items():
            (self.tools / f"{user}.properties").write_text(f"{MECHANISM}=password={password}\n")
        done = self._run("sh", str(script))
        for user in passwords:
            (self.tools / f"{user}.properties").unlink()
        return done

    def tool(self, name: str, *arguments: str) -> str:
        """What one of Kafka's tools says to the administrator."""
        done = self._run(name, "--bootstrap-server", self.servers, "--command-config", "admin.properties", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.tools,
            env={**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TOOL_SECONDS * 4,
            check=False,
        )

    @contextmanager
    def without(self, user: str, operation: str, resource: str, name: str) -> Iterator[None]:
        """A right is taken away, by a rule that goes before those that give it."""
        pattern = ResourcePattern(ResourceType[resource.upper()], name)
        denied = ACL(f"User:{user}", "*", ACLOperation[operation], ACLPermissionType.DENY, pattern)
        with self.client() as client:
            client.create_acls([denied])
            try:
                yield
            finally:
                client.delete_acls([denied])

    @contextmanager
    def client(self, user: str = ADMINISTRATOR, password: str | None = None) -> Iterator[KafkaAdminClient]:
        """kafka-python's own client, as one of the users."""
        with closing(
            KafkaAdminClient(
                bootstrap_servers=self.servers,
                security_protocol="SASL_PLAINTEXT",
                sasl_mechanism=MECHANISM,
                sasl_plain_username=user,
                sasl_plain_password=password or self._password,
            )
        ) as client:
            yield client

    def log_settings(self, prefix: str, user: str = ADMINISTRATOR, password: str | None = None) -> list[str]:
        """The lines of [log] for a user."""
        return [
            "[log]",
            'kind = "kafka"',
            f'bootstrap_servers = "{self.servers}"',
            f'prefix = "{prefix}"',
            'security_protocol = "SASL_PLAINTEXT"',
            f'username = "{user}"',
            f'password = "{password or self._password}"',
        ]


def _module(name: str) -> str:
    return f"org.apache.kafka.common.security.{name} required"
