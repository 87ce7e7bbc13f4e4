"""What Puente's two users need: a reader of SAE, a writer of a CAJA, and no more; and whether those of the settings have it.

The rights follow SAE's tables and the profile, not the boxes that a site ticked: a policy that is switched on later takes effect by itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from consumer.ledger import tables
from consumer.mapping import profile as profiles
from consumer.mapping.profile import Profile
from foundation.engines import open_database, user_of
from foundation.engines.catalogue import Catalogue, Privilege
from foundation.engines.database import Reader
from foundation.errors import ExitCode
from foundation.texts import Text, text
from producer.sae.port import SqlSae
from producer.sae.tables import TABLES
from puente.config import CajaSettings
from puente.findings import Finding, Level
from puente.wiring.opening import fit
from schemas.entities import Entity

ADMINISTRATOR = "SYSDBA"
"""Who connects where a URL names nobody."""
READ = (Privilege.SELECT,)
WRITE = (Privilege.SELECT, Privilege.INSERT, Privilege.UPDATE)
OWN = (*WRITE, Privilege.DELETE)


@dataclass(frozen=True, slots=True)
class Need:
    """What a user must be allowed to do with a table; `columns` are those that are written."""

    table: str
    privileges: tuple[Privilege, ...]
    columns: tuple[str, ...] = ()


def needs_of_sae(company: str) -> list[Need]:
    """Reading, of the tables that are read."""
    return [Need(f"{name}{company}", READ) for name in sorted(TABLES.values())]


def needs_of_caja(profile: Profile) -> list[Need]:
    """Reading of what CAJA alone knows, writing of what SAE feeds. No row of CAJA is ever deleted."""
    written: dict[str, dict[str, None]] = defaultdict(dict)
    for mapping in map(profile.entity, Entity):
        active = [mapping.active.column] if mapping.active else []
        written[mapping.table].update(dict.fromkeys([*mapping.columns, *active, *mapping.retire, *mapping.added]))
        if mapping.total:
            written[mapping.total.table][mapping.total.column] = None
    return [Need(table, WRITE if table in written else READ, tuple(written.get(table, ()))) for table in sorted(profiles.needed(profile))]


def needs_of_ledger() -> list[Need]:
    """Everything but changing the tables themselves."""
    return [Need(name, OWN, tuple(table.columns.keys())) for name, table in tables.metadata.tables.items()]


def lacking(reader: Reader, needs: Iterable[Need]) -> dict[str, tuple[Privilege, ...]]:
    """What this user may not do, by table; the tables and columns exist.

    Only what should be allowed is asked: each refusal is an error of the server's, and Firebird 2.5 on a recent Linux may die of one.
    """
    found = {need.table: tuple(p for p in need.privileges if not reader.permits(p, need.table, need.columns)) for need in needs}
    return {table: privileges for table, privileges in found.items() if privileges}


def there(catalogue: Catalogue, needs: Iterable[Need]) -> Iterator[Need]:
    """The needs without tables and columns that the database lacks: those are told elsewhere."""
    for need in needs:
        if need.table in catalogue:
            present = catalogue[need.table].columns
            columns = tuple(column for column in need.columns if column in present)
            yield replace(need, columns=columns or tuple(present)[:1])


def check_sae(sae: SqlSae, address: str) -> Finding:
    """Whether the user may read what is read, and is not the administrator; `sae` was probed."""
    with sae.reading() as reader:
        found = lacking(reader, needs_of_sae(sae.company))
    user = _user(address)
    if found:
        return _refused("SAE", user, found, text("puente grants sae"))
    if user == ADMINISTRATOR:
        said = text(
            "{user} may write to SAE, which Puente never does: puente grants sae prints a script for one who may only read", user=user
        )
        return Finding(Level.NOTE, "SAE", said)
    return Finding(Level.OK, "SAE", text("{user} may read the tables that are read", user=user))


def check_caja(caja: CajaSettings) -> Iterator[Finding]:
    """Whether the user may write what is written, the ledger included, and is not the administrator. Looks only at tables that exist."""
    profile, user = profiles.load(caja.profile), _user(caja.address)
    remedy = text("puente grants caja --caja {name}", name=caja.name)
    with closing(open_database(caja.address, caja.limits)) as database:
        catalogue = database.catalogue()
        fit(profile, catalogue, caja.name)  # rights in a database that is not meant are no matter
        has_ledger = all(table in catalogue for table in tables.metadata.tables)
        with database.reading() as reader:
            found = lacking(reader, there(catalogue, [*needs_of_caja(profile), *needs_of_ledger()]))
            makes_tables = has_ledger or reader.permits_tables()
            ends_idle = bool(found) or reader.permits_end_idle()
    if found:
        yield _refused(caja.name, user, found, remedy)
    if not makes_tables:
        said = text("{user} may not create the ledger's tables: {remedy} prints the script that lets it", user=user, remedy=remedy)
        yield Finding(Level.ERROR, caja.name, said, ExitCode.CONFIG)
    if not ends_idle:
        said = text(
            "{user} may not end a connection of its own that stands still: rows that it keeps locked stay locked until its process ends; "
            "{remedy} prints the script that lets it",
            user=user,
            remedy=remedy,
        )
        yield Finding(Level.WARNING, caja.name, said)
    if not found and makes_tables and user == ADMINISTRATOR:
        said = text("{user} may do more in CAJA than Puente needs: {remedy} prints a script for one who may not", user=user, remedy=remedy)
        yield Finding(Level.NOTE, caja.name, said)
    elif not found and makes_tables:
        yield Finding(Level.OK, caja.name, text("{user} may write what is written", user=user))


def _user(address: str) -> str:
    return (user_of(address) or ADMINISTRATOR).upper()


def _refused(about: str, user: str, found: Mapping[str, Sequence[Privilege]], remedy: Text) -> Finding:
    by_privileges: dict[str, list[str]] = defaultdict(list)
    for table, privileges in found.items():
        by_privileges[", ".join(privileges)].append(table)
    listed = "; ".join(str(text("{privileges} on {tables}", privileges=p, tables=", ".join(t))) for p, t in by_privileges.items())
    said = text("{user} lacks {listed}: {remedy} prints the script that gives it", user=user, listed=listed, remedy=remedy)
    return Finding(Level.ERROR, about, said, ExitCode.CONFIG)
