#!/bin/sh
# Firebird 3: who waits for a row in READ COMMITTED RECORD_VERSION is refused as soon as the holder commits; with NO RECORD_VERSION it goes on.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4) with ReadConsistency = 0, which is how Firebird 3 always works (a 3.0.11 server does the same),
# firebird-driver 2.1.0. Somebody has updated a row and not committed. Another transaction, READ COMMITTED WAIT, updates the same row and is
# blocked, as WAIT says. RECORD_VERSION is meant for readers: they see the last committed version and never wait. Yet of a writer it decides
# what comes of its waiting. When the holder commits:
#   ReadConsistency = 0: RECORD_VERSION fails after waiting ('40001', 335544336, 335544451, 335544878), NO RECORD_VERSION went on
# which is a snapshot's error, though READ COMMITTED may see what was committed. So a program with the usual options that waits for its
# turn still needs to try again. From Firebird 4 on, unless it is told otherwise, the statement is begun anew by the server:
#   ReadConsistency = 1: RECORD_VERSION went on, NO RECORD_VERSION went on
#
# Needs python3, pip and libtommath.so.1. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check firebird-driver==2.1.0 firebird-base==2.0.4 firebird-embedded==5.0.4.4

cat > waiting.py <<'PY'
import ctypes
import os
import shutil
import sys
import threading
import time
from importlib.util import find_spec

consistency = sys.argv[1]
wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
runtime = shutil.copytree(wheel, os.path.abspath(f"runtime{consistency}"))
with open(f"{runtime}/firebird.conf", "a") as settings:
    settings.write(f"\nReadConsistency = {consistency}\n")
for library in ("libtommath.so.1", f"{runtime}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": runtime, "FIREBIRD_LOCK": os.getcwd()}

from firebird.driver import DatabaseError, Isolation, connect, create_database, driver_config, tpb

driver_config.fb_client_library.value = f"{runtime}/libfbclient.so.2"
database = f"{consistency}.fdb"
holder = create_database(database, user="SYSDBA")
for sql in ("create table stock (id integer primary key, quantity integer)", "insert into stock values (1, 10)"):
    holder.execute_immediate(sql)
    holder.commit()
waiter = connect(database, user="SYSDBA")


def outcome(isolation):
    """Of an update that waits for one that is committed meanwhile."""
    told = []
    holder.execute_immediate("update stock set quantity = quantity - 1")
    waiter.begin(tpb(isolation, lock_timeout=-1))

    def update():
        try:
            waiter.execute_immediate("update stock set quantity = quantity - 1")
            told.append("went on")
        except DatabaseError as error:
            told.append(f"fails after waiting {(error.sqlstate, *error.gds_codes)}")

    waiting = threading.Thread(target=update)
    waiting.start()
    time.sleep(1)
    assert not told, "it did not wait"
    holder.commit()
    waiting.join()
    waiter.rollback()
    return told[0]


version, none = outcome(Isolation.READ_COMMITTED_RECORD_VERSION), outcome(Isolation.READ_COMMITTED_NO_RECORD_VERSION)
print(f"ReadConsistency = {consistency}: RECORD_VERSION {version}, NO RECORD_VERSION {none}", flush=True)
refused = "fails after waiting ('40001', 335544336, 335544451, 335544878)"
sys.exit(0 if (version, none) == (refused if consistency == "0" else "went on", "went on") else 1)
PY

if env/bin/python waiting.py 0 && env/bin/python waiting.py 1; then
    echo "as it was: who waited in READ COMMITTED RECORD_VERSION is refused, unless the server begins the statement anew"
else
    echo "this has changed"
    exit 1
fi
