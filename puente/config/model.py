"""What the settings are: frozen, a secret in no `repr`."""

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticKnownError

from consumer.policies import Policies, SoftDeleted, StockPolicy
from foundation.errors import ConfigError
from foundation.limits import DatabaseLimits, KafkaLimits
from foundation.texts import text
from schemas.entities import CATALOGUES, Entity

_COMPANY = re.compile(r"auto|\d\d")
if TYPE_CHECKING:
    Catalogue = Entity
else:
    Catalogue = Literal[CATALOGUES]
_DEFAULTS = Policies()


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _no_flag(value: object) -> object:
    """Python takes true for 1, so that `PRECIOP = true` would read price list 1."""
    if isinstance(value, bool):
        raise PydanticKnownError("float_type")
    return value


Whole = Annotated[int, BeforeValidator(_no_flag)]
Number = Annotated[float, BeforeValidator(_no_flag)]
Seconds = Annotated[Number, Field(gt=0, le=3600)]


class _Source(_Settings):
    url: SecretStr
    connect_seconds: Seconds = DatabaseLimits().connect
    login_seconds: Seconds = DatabaseLimits().login
    statement_seconds: Seconds = DatabaseLimits().statement

    @property
    def address(self) -> str:
        return self.url.get_secret_value()

    @property
    def limits(self) -> DatabaseLimits:
        return DatabaseLimits(connect=self.connect_seconds, login=self.login_seconds, statement=self.statement_seconds)


class SaeSettings(_Source):
    """Where SAE is, and how it is read. Seconds; `scan_share` is the part of the time that reading a table, or all of SAE, may take."""

    capture: Literal["auto", "record-version", "compare"] = "auto"
    poll_seconds: Number = Field(default=1.0, gt=0, le=3600)
    reconcile_seconds: Number = Field(default=300.0, ge=0)
    scan_share: Number = Field(default=0.05, gt=0, le=1)


Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class EmbeddedLogSettings(_Settings):
    """The log as a file, for one machine."""

    kind: Literal["embedded"] = "embedded"
    path: Path = Path("puente-log.db")
    prefix: Prefix = "puente"

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)


def _listed(value: object) -> object:
    """`HOST:PORT,HOST:PORT` or a list of them."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Server = Annotated[str, Field(pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+):\d{1,5}$")]


class KafkaLogSettings(_Settings):
    """The log on Apache Kafka. `ca`, `certificate` and `key` are files in PEM."""

    kind: Literal["kafka"]
    bootstrap_servers: Annotated[tuple[Server, ...], BeforeValidator(_listed), Field(min_length=1)]
    prefix: Prefix = "puente"
    replication_factor: Whole | None = Field(default=None, ge=1, le=9)
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password: SecretStr | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    connect_seconds: Seconds = KafkaLimits().connect
    request_seconds: Seconds = KafkaLimits().request

    @model_validator(mode="after")
    def _fit(self) -> "KafkaLogSettings":
        """A password that would never be sent, or none where one is asked for, is a mistake."""
        asks = self.security_protocol.startswith("SASL")
        if asks and (self.username is None or self.password is None):
            raise ValueError(text("{protocol} needs username and password", protocol=self.security_protocol))
        if not asks and (self.username is not None or self.password is not None):
            raise ValueError(text("username and password need the security_protocol SASL_SSL (or SASL_PLAINTEXT)"))
        if not self.security_protocol.endswith("SSL") and (self.ca or self.certificate or self.key):
            raise ValueError(text("ca, certificate and key need the security_protocol SSL or SASL_SSL"))
        return self

    @property
    def limits(self) -> KafkaLimits:
        return KafkaLimits(connect=self.connect_seconds, request=self.request_seconds)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"Kafka {', '.join(self.bootstrap_servers)}"


LogSettings = Annotated[EmbeddedLogSettings | KafkaLogSettings, Field(discriminator="kind")]


class StoreSettings(_Settings):
    """A store, where the profile knows no table of stores."""

    number: Whole = Field(ge=1, le=99)
    warehouse: Whole = Field(ge=1)
    name: str = ""


def _storable(name: str) -> str:
    """A CAJA's name is kept in its database and compared with what is read there: as it was written, or not at all."""
    if name != name.strip():
        raise ValueError(text("must not begin or end with a blank"))
    for character in name:
        if not character.isprintable() or not character.encode("cp1252", errors="ignore"):
            raise ValueError(
                str(text("{character} cannot be written into CAJA's database (it holds CP1252)", character=repr(character)[1:-1]))
            )
    return name


class CajaSettings(_Source):
    """One CAJA database and what its owner decided."""

    name: Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_storable)]
    profile: str = "caja50"
    stores: Literal["all"] | tuple[Whole, ...] = "all"
    store: tuple[StoreSettings, ...] = ()
    prices: dict[str, Annotated[Whole, Field(ge=1)]] = {}
    entities: tuple[Catalogue, ...] = _DEFAULTS.entities
    stock: StockPolicy = _DEFAULTS.stock
    inactivate_missing_products: bool = _DEFAULTS.inactivate_missing_products
    inactivate_missing_customers: bool = _DEFAULTS.inactivate_missing_customers
    soft_deleted: SoftDeleted = _DEFAULTS.soft_deleted
    interface_required: bool = _DEFAULTS.interface_required

    @property
    def policies(self) -> Policies:
        """What its owner decided."""
        return Policies(**{field.name: getattr(self, field.name) for field in fields(Policies)})


class RunSettings(_Settings):
    """How the commands run that go on until they are stopped: `stop_seconds` is what is under way then may take.

    `log_file` gets what they tell, besides the standard error; at `log_megabytes` it begins anew, and `log_files` older ones stay.
    """

    stop_seconds: Number = Field(default=30.0, ge=0, le=3600)
    log_file: Path | None = None
    log_megabytes: Number = Field(default=10.0, gt=0, le=1000)
    log_files: Whole = Field(default=5, ge=0, le=100)


class Settings(_Settings):
    """All of `puente.toml`."""

    company: str = "auto"
    sae: SaeSettings | None = None
    log: LogSettings = EmbeddedLogSettings()
    caja: tuple[CajaSettings, ...] = ()
    run: RunSettings = RunSettings()
    folder: Path = Field(default=Path(), exclude=True)

    @field_validator("log", mode="before")
    @classmethod
    def _embedded_by_default(cls, value: object) -> object:
        return {"kind": "embedded", **value} if isinstance(value, dict) else value

    @field_validator("company")
    @classmethod
    def _two_digits(cls, value: str) -> str:
        if not _COMPANY.fullmatch(value):
            raise ValueError(text('must be "auto" or two digits such as "01"'))
        return value

    @property
    def log_path(self) -> Path:
        """Of an embedded log."""
        assert isinstance(self.log, EmbeddedLogSettings)
        return self.folder / self.log.path

    @property
    def log_file(self) -> Path | None:
        """Of what the commands tell."""
        return None if self.run.log_file is None else self.folder / self.run.log_file

    def caja_named(self, name: str) -> CajaSettings:
        """Raises `ConfigError` naming those that there are."""
        for caja in self.caja:
            if caja.name == name:
                return caja
        known = ", ".join(caja.name for caja in self.caja) or "—"
        raise ConfigError(text("There is no CAJA {name} in the settings; there are: {known}", name=name, known=known))
