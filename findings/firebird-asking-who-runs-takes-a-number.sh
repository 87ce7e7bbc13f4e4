#!/bin/sh
# Firebird: to ask an attachment which transactions run begins one, though nobody began any.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0; servers of 2.5.9 and 3.0.11 do the same. Information calls on an
# attachment need no transaction, and most use none: the counter of transactions, the oldest active one, page counts. The list of active
# transactions (isc_info_active_transactions) and their count (isc_info_active_tran_count) do: the engine begins a transaction to look through
# its own snapshot of states, and commits it before it answers. Ten questions take ten numbers, whether anybody works or not:
#   10 × next transaction: +0, 10 × oldest active: +0, 10 × list of the active: +10, 10 × count of the active: +10
# A monitor that asks so once a second uses up 86,400 numbers a day, of the 2,147,483,647 that a 2.5 database has until it must be restored.
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

from firebird.driver import DbInfoCode, create_database, driver_config

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
connection = create_database("a.fdb", user="SYSDBA")
connection.begin()
connection.rollback()
newest, seen = lambda: connection.info.get_info(DbInfoCode.NEXT_TRANSACTION), {}
for what, code in (
    ("next transaction", DbInfoCode.NEXT_TRANSACTION),
    ("oldest active", DbInfoCode.OLDEST_ACTIVE),
    ("list of the active", DbInfoCode.ACTIVE_TRANSACTIONS),
    ("count of the active", DbInfoCode.ACTIVE_TRAN_COUNT),
):
    before = newest()
    for _ in range(10):
        connection.info.get_info(code)
    seen[what] = newest() - before
connection.close()

print(", ".join(f"10 × {what}: {moved:+d}" for what, moved in seen.items()))
if list(seen.values()) == [0, 0, 10, 10]:
    print("as it was: to ask who runs takes a number")
else:
    sys.exit("this has changed")
PY
