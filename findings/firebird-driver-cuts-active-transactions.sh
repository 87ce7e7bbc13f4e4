#!/bin/sh
# firebird-driver: of more than 36 active transactions the list is cut, and ends with a transaction 0, without an error.
#
# firebird-driver 2.1.0 on Firebird 5.0.4 (firebird-embedded 5.0.4.4). `connection.info.get_active_transaction_ids()` reads the engine's answer
# into the driver's buffer of 256 bytes, seven for each. An answer that is longer ends with the mark that it was cut (isc_info_truncated); the
# driver enlarges its buffer where an answer *begins* with that mark, as one does that is a single item, and takes the mark at the end of a
# list for one more item, whose number it reads out of what follows:
#   30 run: 30 told, 60 run: 37 told, the last of them 0
# So whoever looks there for a transaction that may still be active finds it gone. A buffer of one's own helps; the attachment's get_info takes
# one, and the mark can be looked for.
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

from firebird.driver import create_database, driver_config

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
connection = create_database("a.fdb", user="SYSDBA")
running, seen = [], []
for many in (30, 60):
    while len(running) < many:
        running.append(connection.transaction_manager())
        running[-1].begin()
    seen.append(connection.info.get_active_transaction_ids())
for transaction in running:
    transaction.rollback()
connection.close()

print(f"30 run: {len(seen[0])} told, 60 run: {len(seen[1])} told, the last of them {seen[1][-1]}")
if len(seen[0]) == 30 and len(seen[1]) == 37 and seen[1][-1] == 0:
    print("as it was: the list is cut without a word")
else:
    sys.exit("this has changed")
PY
