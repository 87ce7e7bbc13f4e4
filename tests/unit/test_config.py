"""The settings: read once, every fault told at once, secrets shown nowhere."""

from pathlib import Path

import pytest

from foundation.errors import ConfigError
from puente.config import EmbeddedLogSettings, KafkaLogSettings, Settings, load
from puente.wiring.opening import security_options

WHOLE = """
company = "01"
[sae]
url = "firebird+firebird://lector:${SAE_PASSWORD}@erp:3050/C:/SAE90EMPRE01.FDB"
capture = "auto"
poll_seconds = 1.0
reconcile_seconds = 300
[log]
kind = "embedded"
path = "puente-log.db"
[[caja]]
name = "centro"
url_file = "centro.url"
profile = "caja50"
stores = [1, 4]
prices = { PRECIOP = 1, PRECIO2 = 2 }
[[caja]]
name = "norte"
url = "firebird+firebird://a:b@norte/x"
stock = "off"
entities = ["product", "product_line"]
"""


def read(tmp_path: Path, text: str, **environment: str) -> Settings:
    file = tmp_path / "puente.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment)


def fault(tmp_path: Path, text: str, **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, **environment)
    return str(caught.value)


def test_a_whole_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "centro.url").write_text("firebird+firebird://x:y@centro/z\n", encoding="utf-8")
    settings = read(tmp_path, WHOLE, SAE_PASSWORD="p")
    assert settings.company == "01"
    assert settings.caja_named("centro").address == "firebird+firebird://x:y@centro/z"
    assert settings.caja_named("centro").stores == (1, 4)
    assert settings.caja_named("norte").entities == ("product", "product_line")
    assert settings.caja_named("norte").inactivate_missing_customers
    assert settings.log_path == tmp_path.resolve() / "puente-log.db"


def test_a_variable_is_percent_encoded_where_it_stands_in_a_url(tmp_path: Path) -> None:
    (tmp_path / "centro.url").write_text("firebird+firebird://centro/z", encoding="utf-8")
    settings = read(tmp_path, WHOLE, SAE_PASSWORD="p@ss/wörd")
    assert settings.sae is not None
    assert "lector:p%40ss%2Fw%C3%B6rd@erp" in settings.sae.address


def test_a_secret_is_in_no_repr(tmp_path: Path) -> None:
    (tmp_path / "centro.url").write_text("firebird+firebird://x:hidden@centro/z", encoding="utf-8")
    settings = read(tmp_path, WHOLE, SAE_PASSWORD="hidden")
    assert "hidden" not in repr(settings)
    assert "hidden" not in str(settings)


def test_every_fault_is_told_at_once_and_none_shows_a_value(tmp_path: Path) -> None:
    said = fault(
        tmp_path,
        'company = "x"\nmore = 1\n[[caja]]\nname = "s3cret"\n'
        '[sae]\nurl = "a:${NOT_SET}"\npoll_seconds = "often"\nscan_share = 2\ncapture = "magic"\n',
    )
    for part in ("company", "more", "NOT_SET", "sae.poll_seconds", "sae.scan_share", "sae.capture", "CAJA s3cret", "puente.toml"):
        assert part in said


def test_a_file_of_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "centro.url" in fault(tmp_path, WHOLE, SAE_PASSWORD="p")


def test_two_cajas_of_one_name_are_refused(tmp_path: Path) -> None:
    assert "norte" in fault(
        tmp_path, '[[caja]]\nname="norte"\nurl="firebird+firebird://a/x"\n[[caja]]\nname="norte"\nurl="firebird+firebird://b/x"\n'
    )


def test_a_file_that_is_no_toml_says_where(tmp_path: Path) -> None:
    assert "line 1" in fault(tmp_path, "company = 1 2")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml", {})


def test_a_caja_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    settings = read(tmp_path, '[[caja]]\nname="norte"\nurl="firebird+firebird://a/x"\n')
    with pytest.raises(ConfigError, match="norte"):
        settings.caja_named("sur")


def test_settings_cannot_be_changed_after_reading(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    with pytest.raises(ValueError, match="frozen"):
        settings.company = "02"


# The log

KAFKA = '[log]\nkind = "kafka"\nbootstrap_servers = "kafka-1:9092, 10.0.0.7:9093,[::1]:9094"\n'


def test_a_log_is_a_file_unless_it_is_said_to_be_kafkas(tmp_path: Path) -> None:
    for text in ("", '[log]\npath = "x.db"', '[log]\nkind = "embedded"'):
        assert isinstance(read(tmp_path, text).log, EmbeddedLogSettings)
    log = read(tmp_path, KAFKA).log
    assert isinstance(log, KafkaLogSettings)
    assert log.bootstrap_servers == ("kafka-1:9092", "10.0.0.7:9093", "[::1]:9094")
    assert log.name == "Kafka kafka-1:9092, 10.0.0.7:9093, [::1]:9094"
    listed = read(tmp_path, '[log]\nkind = "kafka"\nbootstrap_servers = ["a:1", "b:2"]').log
    assert isinstance(listed, KafkaLogSettings)
    assert listed.bootstrap_servers == ("a:1", "b:2")


def test_what_kafka_is_told_of_security(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x", encoding="utf-8")
    (tmp_path / "secret").write_text("hidden\n", encoding="utf-8")
    settings = read(tmp_path, f'{KAFKA}security_protocol = "SASL_SSL"\nusername = "u"\npassword_file = "secret"\nca = "ca.pem"\n')
    assert isinstance(settings.log, KafkaLogSettings)
    assert security_options(settings.log, settings.folder) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": "hidden",
        "ssl_cafile": str(settings.folder / "ca.pem"),
    }
    assert "hidden" not in repr(settings)
    (tmp_path / "ca.pem").unlink()
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        security_options(settings.log, settings.folder)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ('path = "x.db"', "log.path"),
        ('bootstrap_servers = "kafka"', "log.bootstrap_servers"),
        ("bootstrap_servers = []", "log.bootstrap_servers"),
        ('kind = "pigeon"', "log"),
        ('security_protocol = "SASL_SSL"', "SASL_SSL needs username and password"),
        ('username = "u"\npassword = "secret-1"', "username and password need"),
        ('ca = "ca.pem"', "ca, certificate and key need"),
        ("replication_factor = 0", "log.replication_factor"),
        ('prefix = "a.b"', "log.prefix"),
    ],
)
def test_a_log_that_is_set_wrongly_is_named_as_it_stands_in_the_file(tmp_path: Path, lines: str, names: str) -> None:
    given = {line.partition(" =")[0]: line for line in [*KAFKA.splitlines(), *lines.splitlines()]}
    said = fault(tmp_path, "\n".join(given.values()))
    assert names in said
    assert "log.kafka" not in said
    assert "secret-1" not in said
