#!/bin/sh
# sqlalchemy-firebird: a connection that is invalidated is never closed; it stays attached to the database.
#
# sqlalchemy-firebird 2.2.0, SQLAlchemy 2.1.9, Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0. SQLAlchemy invalidates a
# connection when it takes it for broken, and where a program says so (Connection.invalidate()), to throw it away and open another. The
# dialect then calls terminate() of the driver's connection, which firebird-driver does not have. SQLAlchemy writes the AttributeError into
# its log and goes on; what was to be thrown away holds its attachment, transaction and locks, after the engine's dispose(), too:
#   attached besides the one that looks: 1 in use, 1 invalidated, 1 disposed of, 0 collected;
#   a row it had changed: locked; after a plain close(): 0, free
# It goes with a garbage collection, whenever that comes, for the driver's objects refer to themselves.
#
# Needs python3, pip and libtommath.so.1. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check sqlalchemy==2.1.9 sqlalchemy-firebird==2.2.0 \
  firebird-driver==2.1.0 firebird-base==2.0.4 firebird-embedded==5.0.4.4

env/bin/python -W ignore - <<'PY'  # warnings of the driver about what it collects in the end
import ctypes
import gc
import logging
import os
import sys
from importlib.util import find_spec

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

import sqlalchemy as sa
from firebird.driver import DatabaseError, Isolation, create_database, driver_config, tpb

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
gc.disable()  # it runs whenever it likes
logged = []
noting = logging.Handler()
noting.emit = lambda record: logged.append(f"{record.getMessage()}: {record.exc_info[1]}")
logging.getLogger("sqlalchemy.pool").addHandler(noting)

file = f"{os.getcwd()}/a.fdb"
looking = create_database(file, user="SYSDBA")
looking.execute_immediate("create table item (price integer)")
looking.commit()
looking.execute_immediate("insert into item values (10)")
looking.commit()


def attached():
    """How many there are besides the one that looks."""
    with looking.cursor() as cursor:
        ((count,),) = cursor.execute("select count(*) from mon$attachments where mon$system_flag = 0").fetchall()
    looking.rollback()
    return count - 1


def is_locked():
    looking.begin(tpb(Isolation.SNAPSHOT, lock_timeout=0))
    try:
        looking.execute_immediate("update item set price = 30")
    except DatabaseError:
        return True
    finally:
        looking.rollback()
    return False


def used(end):
    """A connection that has changed a row, is ended by `end`, and whose engine is disposed of."""
    engine = sa.create_engine(f"firebird+firebird://SYSDBA@/{file}")
    connection = engine.connect()
    connection.execute(sa.text("update item set price = 20"))
    counts = [attached()]
    end(connection)
    connection.close()
    counts.append(attached())
    engine.dispose()
    return [*counts, attached()], is_locked()


closed, was_locked = used(lambda connection: connection.close())
counts, locked = used(lambda connection: connection.invalidate())
gc.collect()
collected = attached()
looking.close()
print("logged:", *logged)
print(f"attached besides the one that looks: {counts[0]} in use, {counts[1]} invalidated, {counts[2]} disposed of, {collected} collected;")
print(f"a row it had changed: {'locked' if locked else 'free'}; after a plain close(): {closed[-1]}, {'locked' if was_locked else 'free'}")
if counts == [1, 1, 1] and locked and collected == 0 and closed[-1] == 0 and not was_locked and "'terminate'" in "".join(logged):
    print("as it was: what was invalidated stays attached")
else:
    sys.exit("this has changed")
PY
