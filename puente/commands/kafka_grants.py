"""`puente grants kafka`: the commands of Kafka's own tools that make Puente's users there, for who administers the brokers to run.

No password stands in them: kafka-configs takes each from a file, so that neither the list of processes nor the script shows it, and
where the file lacks no user is made.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from foundation.errors import ConfigError, ExitCode, PuenteError
from foundation.eventlog.rights import Resource
from foundation.texts import Text, text
from producer.sae.company import AUTO
from puente.commands.kafka_rights import Need, needs_of_administrator, needs_of_branch, needs_of_producer, warehouses_of
from puente.config import CajaSettings, KafkaLogSettings, Settings
from puente.wiring.opening import find_company, open_log, open_sae, topics_of
from schemas.topics import Topics

ADMINISTRATOR, PRODUCER, BRANCH = "puente-admin", "puente-producer", "puente-{caja}"
"""The users' names where neither an option nor the settings give one."""
ADMINISTRATORS_FILE = "admin.properties"
_SCRAM = "SCRAM-SHA-512"
_NAME = re.compile(r"[^\s*\x00-\x1f-]([^*\x00-\x1f]*[^\s*\x00-\x1f])?")
"""No star: `User:*` is everybody; and nothing that Kafka's tools take for an option."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """One user, what it is for, and what it needs; `trouble` is what kept all of that from being known."""

    about: Text
    user: str
    needs: Sequence[Need]
    trouble: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """The commands for some users of one cluster. `scram` is how they prove who they are; None where that is not Kafka's to keep."""

    log: KafkaLogSettings
    company: str
    roles: Sequence[Role]
    scram: str | None

    @property
    def troubles(self) -> list[Text]:
        return [role.trouble for role in self.roles if role.trouble is not None]

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DOWN if self.troubles else ExitCode.OK

    def text(self) -> str:
        return "\n".join(["#!/bin/sh", *map(_comment, self._about()), "set -e", *self._commands(), ""])

    def _about(self) -> Iterator[object]:
        yield text("Puente's users of {name}, company {company}", name=self.log.name, company=self.company)
        yield text(
            "Run it where Kafka's tools are, as an administrator of the brokers, whose own security settings stand in {file}.",
            file=ADMINISTRATORS_FILE,
        )
        yield text("It may be run again: what is there stays, but for passwords, which are set anew.")
        if self.scram is not None:
            yield text("Each password is read from a file, which holds one line and is to be deleted afterwards:")
            yield f"  {self.scram}=password=..."

    def _commands(self) -> Iterator[str]:
        made: set[str] = set()
        for role in self.roles:
            yield ""
            yield _comment(f"{role.about}: {role.user}")
            if role.trouble is not None:
                yield _comment(role.trouble)
            if self.scram is not None and role.user not in made:
                yield self._command("kafka-configs.sh", "--alter", "--entity-type", "users", *_user_from_file(role.user))
            made.add(role.user)
            for need in role.needs:
                yield self._command("kafka-acls.sh", "--add", "--allow-principal", f"User:{role.user}", *_options(need))

    def _command(self, tool: str, *arguments: str) -> str:
        servers = ",".join(self.log.bootstrap_servers)
        return shlex.join([tool, "--bootstrap-server", servers, "--command-config", ADMINISTRATORS_FILE, *arguments])


def for_all(settings: Settings, user: str | None = None) -> Script:
    """The producer's user, whom `user` or the settings name, the administrator's and that of each CAJA of the settings."""
    topics = _topics(settings)
    roles = [
        Role(
            about=text("The producer, where SAE is"),
            user=_user(user if user is not None else _log(settings).username or PRODUCER),
            needs=needs_of_producer(topics),
        ),
        *(_branch(settings, caja, topics, None) for caja in settings.caja),
        Role(
            about=text("An administrator of Puente's topics, for puente setup, puente log copy and Kafka's own tools"),
            user=ADMINISTRATOR,
            needs=needs_of_administrator(topics),
        ),
    ]
    return _script(settings, topics, roles)


def for_caja(settings: Settings, caja: CajaSettings, user: str | None = None) -> Script:
    """The user of one CAJA, which is asked for its warehouses."""
    topics = _topics(settings)
    return _script(settings, topics, [_branch(settings, caja, topics, user)])


def _log(settings: Settings) -> KafkaLogSettings:
    if not isinstance(settings.log, KafkaLogSettings):
        raise ConfigError(text('The log of the settings is a file, which knows no users: [log] needs kind = "kafka"'))
    return settings.log


def _script(settings: Settings, topics: Topics, roles: Sequence[Role]) -> Script:
    log = _log(settings)
    protocol, mechanism = log.security_protocol, log.sasl_mechanism
    scram = None if protocol == "SSL" or mechanism == "PLAIN" else mechanism if protocol.startswith("SASL") else _SCRAM
    return Script(log=log, company=topics.company, roles=roles, scram=scram)


def _topics(settings: Settings) -> Topics:
    _log(settings)
    return topics_of(settings, settings.company if settings.company != AUTO else _company(settings))


def _company(settings: Settings) -> str:
    try:
        if settings.sae is None:
            with closing(open_log(settings)) as log:
                return find_company(settings, log)
        with closing(open_sae(settings)) as sae:
            sae.probe()
            return sae.company
    except PuenteError as error:
        raise ConfigError(text("The company is not known; set company to its two digits ({error})", error=error)) from error


def _branch(settings: Settings, caja: CajaSettings, topics: Topics, user: str | None) -> Role:
    """Where CAJA cannot be asked, the stores that the settings tell of count."""
    warehouses, trouble = [store.warehouse for store in caja.store], None
    try:
        warehouses = warehouses_of(caja)
    except PuenteError as error:
        if not warehouses:
            trouble = text(
                "{caja} cannot be asked for its warehouses, so this lets nobody read their stock: make it again where that CAJA can be "
                "reached ({error})",
                caja=caja.name,
                error=error,
            )
    return Role(
        about=text("The consumer of the CAJA {name}", name=caja.name),
        user=_user(user if user is not None else _log(settings).username or BRANCH.format(caja=re.sub(r"[^\w.-]", "-", caja.name))),
        needs=needs_of_branch(topics, caja.name, warehouses),
        trouble=trouble,
    )


def _user(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(text("{user} is no name for a user of Kafka", user=repr(name)))
    return name


def _user_from_file(user: str) -> list[str]:
    return ["--entity-name", user, "--add-config-file", re.sub(r"[^\w.-]", "_", user) + ".properties"]


def _options(need: Need) -> Iterator[str]:
    for operation in need.operations:
        yield from ("--operation", operation)
    if need.are_beginnings:
        yield from ("--resource-pattern-type", "prefixed")
    option = "--topic" if need.resource is Resource.TOPIC else "--group"
    for name in need.names:
        yield from (option, name)


def _comment(said: object) -> str:
    return "# " + " ".join(str(said).splitlines())
