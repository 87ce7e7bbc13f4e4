#!/bin/sh
# Firebird: the counter of transactions stands still when one commits, and moves when nothing happened.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0; servers of 2.5.9 and 3.0.11 count the same. Who wants to know whether
# anything happened in a database without beginning a transaction has isc_info_next_transaction. It is called *next*, and tells the number
# that was given last. It moves when a transaction begins, a reading one, too, and at each COMMIT or ROLLBACK RETAINING, which goes on under
# a new number. When the writer commits, it does not move:
#   before: N, a writer begins: N+1, writes: N+1, commits retaining: N+2, commits: N+2, a reader begins: N+3; asking itself: nothing
# So an unchanged counter does not say that nothing was committed since it was last seen: only that nothing began. Whoever polls by it must
# have seen, in a snapshot of his own, that no other transaction was active, and go on looking as long as one is.
#
# Needs python3, pip and libtommath.so.1. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check firebird-driver==2.1.0 firebird-base==2.0.4 firebird-embedded==5.0.4.4

env/bin/python - <<'PY'
import ctypes
import os
import sys
from importlib.util import find_spec

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

from firebird.driver import DbInfoCode, connect, create_database, driver_config

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
watcher = create_database("a.fdb", user="SYSDBA")
watcher.execute_immediate("create table item (id integer)")
watcher.commit()
writer, reader = connect("a.fdb", user="SYSDBA"), connect("a.fdb", user="SYSDBA")
for other in (writer, reader):  # the driver asks something of each new connection
    other.begin()
    other.rollback()
first, seen = watcher.info.get_info(DbInfoCode.NEXT_TRANSACTION), []


def count(what):
    seen.append((what, watcher.info.get_info(DbInfoCode.NEXT_TRANSACTION) - first))


count("before")
writer.begin()
is_its_own = writer.main_transaction.info.id == first + 1
count("a writer begins")
writer.execute_immediate("insert into item values (1)")
count("writes")
writer.commit(retaining=True)
count("commits retaining")
writer.execute_immediate("insert into item values (2)")
writer.commit()
count("commits")
reader.begin()
count("a reader begins")
reader.rollback()
count("ends")
for connection in (reader, writer, watcher):
    connection.close()

print(", ".join(f"{what}: {moved:+d}" for what, moved in seen))
if is_its_own and [moved for _, moved in seen] == [0, 1, 1, 2, 2, 3, 3]:
    print("as it was: a commit does not move the counter")
else:
    sys.exit("this has changed")
PY
