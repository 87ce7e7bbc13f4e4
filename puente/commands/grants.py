"""`puente grants`: the script that makes one of Puente's users and gives it what it needs, for who administers the database to run.

Puente never asks for the administrator's password. One script serves Firebird 2.5 to 5: what 2.5 does not know stands in a string.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

from consumer.caja import sales
from consumer.ledger import tables
from consumer.mapping import profile as profiles
from consumer.mapping.profile import Profile
from foundation.engines import open_database, user_of
from foundation.errors import ConfigError, PuenteError
from foundation.texts import Text, text
from producer.sae.company import AUTO
from producer.sae.identity import COMPANY_DATA
from puente.commands.privileges import ADMINISTRATOR, OWN, Need, needs_of_caja, needs_of_sae
from puente.config import CajaSettings, Settings
from puente.wiring.opening import open_sae

READER, WRITER = "LECTOR", "ESCRITOR"
"""The users' names where neither an option nor the settings give one."""
BLOCK = "EXECUTE BLOCK"
_COMMIT = "COMMIT"
_IS_2_5 = "RDB$GET_CONTEXT('SYSTEM', 'ENGINE_VERSION') STARTING WITH '2.'"
_KEPT = "PUENTE_PASSWORD"
_QUOTED = f"''' || RDB$GET_CONTEXT('USER_SESSION', '{_KEPT}') || ''''"
_USER = re.compile(r"[A-Z][A-Z0-9_$]{0,30}", re.ASCII)
_PASSWORD = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a user gets in one database; `grants` are single statements without a terminator."""

    about: Text
    database: str
    user: str
    grants: tuple[str, ...]

    def text(self, password: str | None) -> str:
        """The whole script for isql. Without a password it holds what isql refuses, so that nobody gets one that all can guess."""
        if password is not None and not _PASSWORD.fullmatch(password):
            raise ConfigError(text("The password must be printable ASCII, and not empty"))
        given = str(text("<write the password here, in single quotes>")) if password is None else _literal(password)
        statements = [_make_user(self.user, given), _COMMIT, "ROLLBACK", _set_password(self.user), _COMMIT, *self.grants, _COMMIT]
        return "\n".join([*_comment(self), *map(_terminated, statements), ""])


def for_sae(settings: Settings, user: str | None = None) -> Script:
    """The reader's. Where the settings leave the company to be found, SAE is asked, as the user whom they name."""
    if settings.sae is None:
        raise ConfigError(text("The settings name no SAE: add [sae] with its url"))
    address = settings.sae.address
    name = _user(user, address, READER)
    company = settings.company if settings.company != AUTO else _company(settings)
    return Script(
        about=text("Puente's reader of SAE, company {company}", company=company),
        database=open_database(address).label,
        user=name,
        grants=(*_grants(needs_of_sae(company), name), _company_data(company, name)),
    )


def for_caja(caja: CajaSettings, user: str | None = None) -> Script:
    """The writer's in one CAJA; nothing is connected to."""
    name, profile = _user(user, caja.address, WRITER), profiles.load(caja.profile)
    return Script(
        about=text("Puente's writer of the CAJA {name}", name=caja.name),
        database=open_database(caja.address).label,
        user=name,
        grants=(
            *_grants(needs_of_caja(profile), name),
            _create_tables(name),
            _end_its_own(name),
            _ledger_of_others(name),
            _index_of_sales(profile),
        ),
    )


def _company(settings: Settings) -> str:
    try:
        with closing(open_sae(settings)) as sae:
            sae.probe()
            return sae.company
    except PuenteError as error:
        raise ConfigError(text("SAE cannot be asked for its company; set company to its two digits ({error})", error=error)) from error


def _user(wanted: str | None, address: str, otherwise: str) -> str:
    """The user to make: never the administrator, who may do everything already."""
    named = (wanted or user_of(address) or ADMINISTRATOR).upper()
    if named == ADMINISTRATOR and wanted is None:
        return otherwise
    if named == ADMINISTRATOR:
        raise ConfigError(text("{user} may do everything already: name another user", user=named))
    if not _USER.fullmatch(named):
        raise ConfigError(text("{user} is no name for Puente's user: a letter, then letters, digits and _, at most 31", user=named))
    return named


def _make_user(user: str, password: str) -> str:
    """Firebird 3 and newer: with this password, whether or not the user is there already. Firebird 2.5 says that at the commit."""
    return f"""{BLOCK} AS
  DECLARE GIVEN VARCHAR(255) = {password};
  DECLARE DONE INTEGER;
BEGIN
  DONE = RDB$SET_CONTEXT('USER_SESSION', '{_KEPT}', REPLACE(GIVEN, '''', ''''''));
  IF ({_IS_2_5}) THEN
    EXECUTE STATEMENT 'CREATE USER {user} PASSWORD {_QUOTED};
  ELSE
    EXECUTE STATEMENT 'CREATE OR ALTER USER {user} PASSWORD {_QUOTED};
END"""


def _set_password(user: str) -> str:
    """Firebird 2.5, which knows no CREATE OR ALTER: of a user who was there already."""
    return f"""{BLOCK} AS
BEGIN
  IF ({_IS_2_5}) THEN
    EXECUTE STATEMENT 'ALTER USER {user} PASSWORD {_QUOTED};
END"""


def _grants(needs: Iterable[Need], user: str) -> Iterator[str]:
    for need in needs:
        yield f"GRANT {', '.join(need.privileges)} ON {need.table} TO USER {user}"


def _company_data(company: str, user: str) -> str:
    """Where this SAE has it: what tells one SAE from another."""
    table = f"{COMPANY_DATA}{company}"
    return f"""{BLOCK} AS
BEGIN
  IF (EXISTS(SELECT 1 FROM RDB$RELATIONS WHERE RDB$RELATION_NAME = '{table}')) THEN
    EXECUTE STATEMENT 'GRANT SELECT ON {table} TO USER {user}';
END"""  # noqa: S608 - checked names


def _create_tables(user: str) -> str:
    """For `puente setup`; in 2.5 everybody may."""
    return f"""{BLOCK} AS
BEGIN
  IF (NOT {_IS_2_5}) THEN
    EXECUTE STATEMENT 'GRANT CREATE TABLE TO USER {user}';
END"""


def _end_its_own(user: str) -> str:
    """Of its own connections one that stands still and keeps rows locked; in 2.5 everybody may. Others' are not even shown to it."""
    return f"""{BLOCK} AS
BEGIN
  IF (NOT {_IS_2_5}) THEN
    EXECUTE STATEMENT 'GRANT DELETE ON MON$ATTACHMENTS TO USER {user}';
END"""


def _ledger_of_others(user: str) -> str:
    """Where another user ran `puente setup`: the ledger's tables are that user's."""
    names = ", ".join(map(_literal, tables.metadata.tables))
    return f"""{BLOCK} AS
  DECLARE TABLE_NAME VARCHAR(31);
BEGIN
  FOR SELECT TRIM(RDB$RELATION_NAME) FROM RDB$RELATIONS
      WHERE RDB$RELATION_NAME IN ({names}) AND RDB$OWNER_NAME <> '{user}'
      INTO TABLE_NAME DO
    EXECUTE STATEMENT 'GRANT {", ".join(OWN)} ON ' || TABLE_NAME || ' TO USER {user}';
END"""  # noqa: S608 - a checked name


def _index_of_sales(profile: Profile) -> str:
    """Adding an index to a table takes its owner, whom this script is for. One that an older profile asked for is dropped."""
    table, expression = profile.sales.table, sales.expression(profile.sales)
    created = f"CREATE INDEX {sales.INDEX} ON {table} COMPUTED BY ({expression})"
    return f"""{BLOCK} AS
  DECLARE FITS INTEGER;
BEGIN
  SELECT IIF(RDB$RELATION_NAME = {_literal(table)} AND CAST(RDB$EXPRESSION_SOURCE AS VARCHAR(500)) = {_literal(f"({expression})")}, 1, 0)
    FROM RDB$INDICES WHERE RDB$INDEX_NAME = '{sales.INDEX}' INTO FITS;
  IF (FITS = 0) THEN EXECUTE STATEMENT 'DROP INDEX {sales.INDEX}' WITH AUTONOMOUS TRANSACTION;
  IF (COALESCE(FITS, 0) = 0) THEN EXECUTE STATEMENT {_literal(created)} WITH AUTONOMOUS TRANSACTION;
END"""  # noqa: S608 - names and values of the profile


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _terminated(statement: str) -> str:
    return f"SET TERM ^ ;\n{statement}^\nSET TERM ; ^" if statement.startswith(BLOCK) else f"{statement};"


def _comment(script: Script) -> Iterator[str]:
    yield "/*"
    yield f"  {script.about}: {script.user}"
    yield f'  {text("Run it as SYSDBA:")} isql -user SYSDBA -password ... -input FILE "{script.database}"'
    yield f"  {text('It may be run again: the user then has this password.')}"
    yield f"  {text('Firebird 2.5 looks at the first 8 characters of a password; where the user exists it says so, and does the rest.')}"
    yield "*/"
