"""Settings → connections: the log, SAE, and a CAJA held against its profile."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from consumer import subscribe
from consumer.caja import sales
from consumer.caja.parameters import read_stores, read_switches
from consumer.caja.port import Store, Switches
from consumer.caja.sql import SqlCaja
from consumer.ledger.making import LEASES
from consumer.mapping import profile as profiles
from consumer.mapping.fingerprint import fingerprint
from consumer.mapping.mapper import RowMapper, mappers
from consumer.mapping.profile import Profile
from foundation.engines import open_database
from foundation.engines.catalogue import Catalogue
from foundation.engines.database import Database
from foundation.errors import ConfigError, RetryableError
from foundation.eventlog.embedded.log import EmbeddedLog
from foundation.eventlog.kafka import open_kafka
from foundation.eventlog.port import EventLog
from foundation.texts import Text, text
from producer.sae.company import AUTO, companies
from producer.sae.port import SqlSae
from puente.config import CajaSettings, EmbeddedLogSettings, KafkaLogSettings, Settings
from schemas.entities import Entity
from schemas.topics import CONTROL, Topics


def open_log(settings: Settings) -> EventLog:
    """A new handle on the log, for the thread that asks."""
    match settings.log:
        case EmbeddedLogSettings():
            return EmbeddedLog(settings.log_path)
        case KafkaLogSettings():
            return _kafka(settings.log, settings.folder)


def _kafka(log: KafkaLogSettings, folder: Path) -> EventLog:
    return open_kafka(
        log.bootstrap_servers,
        log.prefix,
        options=security_options(log, folder),
        limits=log.limits,
        replication=log.replication_factor or -1,
    )


def security_options(log: KafkaLogSettings, folder: Path) -> dict[str, object]:
    """By kafka-python's names; raises `ConfigError` for a file that is not there."""
    found: dict[str, object] = {"security_protocol": log.security_protocol}
    if log.username is not None and log.password is not None:
        found["sasl_mechanism"] = log.sasl_mechanism
        found["sasl_plain_username"], found["sasl_plain_password"] = log.username, log.password.get_secret_value()
    for name, file in (("ssl_cafile", log.ca), ("ssl_certfile", log.certificate), ("ssl_keyfile", log.key)):
        if file is not None:
            if not (folder / file).is_file():
                raise ConfigError(text("log: the file {path} cannot be read", path=folder / file))
            found[name] = str(folder / file)
    return found


def log_is_missing(settings: Settings) -> bool:
    """Whether there is no file yet of an embedded log, which opening it would make."""
    return isinstance(settings.log, EmbeddedLogSettings) and not settings.log_path.exists()


def open_sae(settings: Settings) -> SqlSae:
    """SAE through a connection of its own; raises `ConfigError` where the settings name none."""
    if settings.sae is None:
        raise ConfigError(text("The settings name no SAE: add [sae] with its url"))
    return SqlSae(open_database(settings.sae.address, settings.sae.limits), settings.company)


def find_company(settings: Settings, log: EventLog) -> str:
    """The company as set, else the only one that the log has topics of: a branch does not reach SAE."""
    if settings.company != AUTO:
        return settings.company
    pattern = re.compile(rf"{re.escape(settings.log.prefix)}\.(\d\d)\.{CONTROL}")
    found = sorted(match[1] for topic in log.topics() if (match := pattern.fullmatch(topic)))
    if not found:
        log.state(topics_of(settings, "").registry)  # Kafka hides what a user may not see, unless it is asked for by name
        raise RetryableError(
            text(
                "The log shows no company yet: start puente produce (or puente run) where SAE is; "
                "if that runs, set company to its two digits"
            )
        )
    if len(found) > 1:
        raise ConfigError(text("The log has several companies ({found}): set company to one of them", found=", ".join(found)))
    return found[0]


def topics_of(settings: Settings, company: str) -> Topics:
    return Topics(settings.log.prefix, company)


@dataclass(frozen=True, kw_only=True)
class CheckedCaja:
    """A CAJA whose catalogue fits its profile; `warnings` are for people."""

    settings: CajaSettings
    database: Database
    catalogue: Catalogue
    profile: Profile
    known_stores: tuple[Store, ...]
    stores: tuple[Store, ...]
    """Those of them that the settings name."""
    switches: Switches
    warnings: tuple[Text, ...]
    mappers: Mapping[Entity, RowMapper]
    caja: SqlCaja

    @property
    def has_ledger(self) -> bool:
        """Of whatever version."""
        return any(name in self.catalogue for name in LEASES)

    @property
    def finds_sales(self) -> bool:
        """Whether an index tells the sales that SAE lacks."""
        return sales.is_indexed(self.profile, self.catalogue)

    @property
    def may_index_sales(self) -> bool:
        """Whether this user may add that index; asks the database."""
        with self.database.reading() as reader:
            return reader.permits_index(self.profile.sales.table)


def fit(profile: Profile, catalogue: Catalogue, name: str) -> list[Text]:
    """Holds a profile against a database, as `profiles.check` does; one that is no CAJA at all is told as what it is."""
    sae = companies(catalogue)
    if sae and not any(table in catalogue for table in profiles.needed(profile)):
        raise ConfigError(text("{caja}: this looks like a SAE: it has {table}; the url must name a CAJA", caja=name, table=f"INVE{sae[0]}"))
    return profiles.check(profile, catalogue, name)


def open_caja(caja: CajaSettings, *, keep_prepared: bool = False) -> CheckedCaja:
    """Connects and holds the profile against the catalogue; raises what is wrong, naming the CAJA. `keep_prepared`: see `open_database`."""
    profile = profiles.load(caja.profile)
    database = open_database(caja.address, caja.limits, keep_prepared=keep_prepared)
    try:
        catalogue = database.catalogue()
        warnings = fit(profile, catalogue, caja.name)
        with database.reading() as reader:
            switches, known = read_switches(reader, profile, caja.name), read_stores(reader, profile)
        listed = known or [Store(number=s.number, warehouse=s.warehouse, name=s.name) for s in caja.store]
        stores = subscribe.choose_stores(listed, None if caja.stores == "all" else caja.stores, caja.name)
        ticked = list(caja.entities)
        made = mappers(profile, catalogue, caja.prices, ticked)
    except BaseException:
        database.close()
        raise
    return CheckedCaja(
        settings=caja,
        database=database,
        catalogue=catalogue,
        profile=profile,
        known_stores=tuple(known),
        stores=tuple(stores),
        switches=switches,
        warnings=tuple(warnings),
        mappers=made,
        caja=SqlCaja(caja.name, database, profile, made),
    )


def fingerprint_of(checked: CheckedCaja) -> str:
    """What stands in the ledger of a CAJA that was resynced with these settings."""
    stores = subscribe.stores_of_warehouses(checked.stores)
    return fingerprint(checked.profile, checked.settings.policies, stores, checked.settings.prices, checked.mappers)
