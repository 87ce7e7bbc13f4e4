#!/bin/sh
# Firebird in Classic or SuperClassic mode: each transaction writes two pages to the file, also a read-only one that reads one row.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0, ServerMode = SuperClassic in firebird.conf. A transaction that is READ
# ONLY and READ COMMITTED begins as committed and is said to cost nothing for that. It uses a number as any other does, and where processes
# share the file that number is written at once: the header page and a page of the transaction inventory, of which each poll of a program
# that only looks makes two writes. In Super mode, where one process has the file, they wait in its cache until somebody writes:
#   SuperClassic: pages written by 5 read-only transactions: 10 (read committed), 10 (snapshot); transaction numbers used: 10
#   Super: pages written by 5 read-only transactions: 0 (read committed), 0 (snapshot); transaction numbers used: 10
#
# Needs python3, pip and libtommath.so.1. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check firebird-driver==2.1.0 firebird-base==2.0.4 firebird-embedded==5.0.4.4

cat > look.py <<'PY'
import ctypes
import os
import shutil
import sys
from importlib.util import find_spec

mode = sys.argv[1]
runtime = f"{os.getcwd()}/{mode}"
shutil.copytree(find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime", runtime)
with open(f"{runtime}/firebird.conf", "w") as settings:
    settings.write(f"ServerMode = {mode}\n")
for library in ("libtommath.so.1", f"{runtime}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": runtime, "FIREBIRD_LOCK": runtime}

from firebird.driver import Isolation, TraAccessMode, connect, create_database, driver_config, tpb

driver_config.fb_client_library.value = f"{runtime}/libfbclient.so.2"
file = f"{mode}.fdb"
with create_database(file, user="SYSDBA") as made:
    made.execute_immediate("create table item (id integer)")
    made.commit()
    made.execute_immediate("insert into item values (1)")
    made.commit()


def pages(reader, isolation):
    """Those that five transactions of one connection write to the file."""
    before = reader.info.writes
    for _ in range(5):
        reader.begin(tpb(isolation, access_mode=TraAccessMode.READ))
        with reader.cursor() as cursor:
            assert cursor.execute("select id from item").fetchall() == [(1,)]
        reader.commit()
    return reader.info.writes - before


with connect(file, user="SYSDBA") as reader:
    reader.begin()
    reader.commit()
    first = reader.info.next_transaction
    committed, snapshot = pages(reader, Isolation.READ_COMMITTED_RECORD_VERSION), pages(reader, Isolation.SNAPSHOT)
    used = reader.info.next_transaction - first
print(
    f"{mode}: pages written by 5 read-only transactions: {committed} (read committed), {snapshot} (snapshot); transaction numbers used: {used}"
)
PY

shared=$(env/bin/python look.py SuperClassic)
alone=$(env/bin/python look.py Super)
printf '%s\n%s\n' "$shared" "$alone"
case "$shared / $alone" in
  *": 10 (read committed), 10 (snapshot); transaction numbers used: 10 / "*": 0 (read committed), 0 (snapshot); transaction numbers used: 10")
    echo "as it was: reading writes two pages a transaction where the file is shared" ;;
  *) echo "this has changed"; exit 1 ;;
esac
