"""A database that its administrator has shut is left alone.

`gfix -shut multi` and `-shut single` still let SYSDBA and the owner in, and many a site does everything as SYSDBA: who came back at once
would stand in the way of a restore and, after `single`, keep the administrator himself out, for the database then takes one connection.
"""

import firebird.driver
from firebird.driver import Isolation, TraAccessMode, tpb

from foundation.errors import ConnectionLost
from foundation.texts import text

SHUTDOWN_MODE = "SELECT MON$SHUTDOWN_MODE FROM MON$DATABASE"
ONLINE = 0
"""Else 1 (multi), 2 (single) or 3 (full): Firebird's language reference, MON$DATABASE."""


def leave_alone(connection: firebird.driver.Connection, label: str) -> None:
    """Ends a connection to a database that is shut and raises `ConnectionLost`; raises the driver's errors, too."""
    with connection.transaction_manager(tpb(Isolation.SNAPSHOT, access_mode=TraAccessMode.READ)) as transaction:
        with transaction.cursor() as cursor:
            (mode,) = cursor.execute(SHUTDOWN_MODE).fetchone()
        transaction.commit()
    if mode != ONLINE:
        connection.close()
        raise shut(label)


def shut(label: str) -> ConnectionLost:
    return ConnectionLost(
        text(
            "{label}: its administrator has shut the database (gfix -shut); nothing is done there until it is online again (gfix -online)",
            label=label,
        )
    )
