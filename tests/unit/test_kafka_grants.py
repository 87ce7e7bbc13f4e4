"""`puente grants kafka`: whom the commands name, and what they give; that they are enough, and no more, is seen on a broker."""

import shlex
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from foundation.engines import create_database, open_database
from foundation.errors import ConfigError, ExitCode
from puente.commands import kafka_grants
from puente.config import Settings
from puente.reference import Store, build_caja
from tests.engines.embedded import EmbeddedDatabases


def settings(tmp_path: Path, log: dict[str, Any] | None = None, **caja: Any) -> Settings:
    """Of a place whose one CAJA cannot be reached."""
    nowhere = {"name": "centro", "url": f"firebird+firebird:///{tmp_path}/nowhere.fdb"}
    given = {"kind": "kafka", "bootstrap_servers": "kafka-1:9092, kafka-2:9092", **(log or {})}
    return Settings.model_validate({"company": "01", "log": given, "caja": [nowhere | caja]})


def commands(script: kafka_grants.Script) -> list[list[str]]:
    return [shlex.split(line) for line in script.text().splitlines() if line.startswith("kafka-")]


def values(command: list[str], option: str) -> list[str]:
    return [command[place + 1] for place, word in enumerate(command) if word == option]


def rights(script: kafka_grants.Script, user: str) -> set[tuple[str, str, str]]:
    """(operation, topic or group, name) of one user; a name that is a beginning ends with a star."""
    found = set()
    for command in commands(script):
        if values(command, "--allow-principal") == [f"User:{user}"]:
            star = "*" if values(command, "--resource-pattern-type") == ["prefixed"] else ""
            found |= {
                (operation, kind, name + star)
                for operation in values(command, "--operation")
                for kind in ("topic", "group")
                for name in values(command, f"--{kind}")
            }
    return found


CATALOGUES = {f"puente.01.{name}" for name in ("control", "product_line", "tax_scheme", "currency", "product", "customer")}


def test_a_branch_may_read_its_catalogues_and_the_stock_of_its_warehouses_and_write_its_own_group(
    tmp_path: Path, embedded: EmbeddedDatabases
) -> None:
    url = embedded.url("caja")
    create_database(url)
    with closing(open_database(url)) as database:
        build_caja(database, [Store(1, "Uno", 4), Store(2, "Dos", 12), Store(3, "Tres", None)])
    made = settings(tmp_path, url=url)
    script = kafka_grants.for_caja(made, made.caja[0])
    read = {*CATALOGUES, "puente.schemas", "puente.01.stock.4", "puente.01.stock.12"}
    assert rights(script, "puente-centro") == {
        *((operation, "topic", topic) for operation in ("Read", "DescribeConfigs") for topic in read),
        ("Read", "group", "puente.01.centro"),
    }
    assert script.exit_code == ExitCode.OK


def test_a_caja_that_cannot_be_reached_is_told_and_the_rest_is_printed_all_the_same(tmp_path: Path) -> None:
    made = settings(tmp_path)
    script = kafka_grants.for_caja(made, made.caja[0])
    assert script.exit_code == ExitCode.DOWN
    assert "# centro cannot be asked for its warehouses" in script.text()
    assert {name for _, kind, name in rights(script, "puente-centro") if kind == "topic"} == {*CATALOGUES, "puente.schemas"}


def test_warehouses_that_the_settings_name_count_where_a_caja_cannot_be_reached(tmp_path: Path) -> None:
    made = settings(tmp_path, store=[{"number": 1, "warehouse": 7}])
    script = kafka_grants.for_caja(made, made.caja[0])
    assert script.exit_code == ExitCode.OK
    assert ("Read", "topic", "puente.01.stock.7") in rights(script, "puente-centro")


def test_all_users_of_the_settings_are_made_once_each_at_every_broker_that_is_named(tmp_path: Path) -> None:
    script = kafka_grants.for_all(settings(tmp_path))
    made = [values(command, "--entity-name") for command in commands(script) if command[0] == "kafka-configs.sh"]
    assert made == [["puente-producer"], ["puente-centro"], ["puente-admin"]]
    assert all(values(command, "--bootstrap-server") == ["kafka-1:9092,kafka-2:9092"] for command in commands(script))
    assert {(kind, name) for _, kind, name in rights(script, "puente-producer")} == {
        ("topic", "puente.schemas"),
        ("topic", "puente.01.*"),
        ("group", "puente.01.*"),
    }
    assert not {operation for operation, _, _ in rights(script, "puente-producer")} & {"Delete", "AlterConfigs", "Alter", "All"}
    one = {"security_protocol": "SASL_SSL", "username": "tienda", "password": "x"}
    both = kafka_grants.for_all(settings(tmp_path, one))
    assert [values(command, "--entity-name") for command in commands(both) if command[0] == "kafka-configs.sh"] == [
        ["tienda"],
        ["puente-admin"],
    ]


@pytest.mark.parametrize(
    ("log", "mechanism"),
    [
        ({}, "SCRAM-SHA-512"),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-256", "username": "u", "password": "x"}, "SCRAM-SHA-256"),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "username": "u", "password": "x"}, None),
        ({"security_protocol": "SSL"}, None),
    ],
)
def test_users_are_made_only_where_kafka_keeps_them(tmp_path: Path, log: dict[str, Any], mechanism: str | None) -> None:
    script = kafka_grants.for_all(settings(tmp_path, log))
    assert ("kafka-configs.sh" in script.text()) is (mechanism is not None)
    assert mechanism is None or f"{mechanism}=password=..." in script.text()


def test_no_password_stands_in_the_script(tmp_path: Path) -> None:
    log = {"security_protocol": "SASL_SSL", "username": "tienda", "password": "un secreto"}
    assert "secreto" not in kafka_grants.for_all(settings(tmp_path, log)).text()


@pytest.mark.parametrize("user", ["CN=centro, O=Ferretería", "it's $HOME; x"])
def test_names_reach_kafka_as_they_are_whatever_a_shell_makes_of_them(tmp_path: Path, user: str) -> None:
    made = settings(tmp_path, name="Sucursal 'Centro' $1")
    script = kafka_grants.for_caja(made, made.caja[0], user)
    assert ("Read", "group", "puente.01.Sucursal 'Centro' $1") in rights(script, user)


@pytest.mark.parametrize("user", ["*", "a*", " a", "a\nb", "", "-a"])
def test_a_user_that_would_be_everybody_or_several_lines_or_an_option_is_refused(tmp_path: Path, user: str) -> None:
    made = settings(tmp_path)
    with pytest.raises(ConfigError):
        kafka_grants.for_caja(made, made.caja[0], user)


def test_what_is_missing_for_the_names_of_topics_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a file, which knows no users"):
        kafka_grants.for_all(Settings(company="01"))
    nobody = settings(tmp_path, {"bootstrap_servers": "127.0.0.1:1"}).model_copy(update={"company": "auto"})
    with pytest.raises(ConfigError, match="set company to its two digits"):
        kafka_grants.for_all(nobody)
