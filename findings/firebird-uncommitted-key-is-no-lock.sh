#!/bin/sh
# Firebird: who meets another transaction's uncommitted key is told that the key is taken, or missing, and not that somebody holds it.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0; NO WAIT, and a LOCK TIMEOUT of one second that runs out. Somebody has
# inserted parent 1 and not committed. An INSERT of the same key, or of a child of it, depends on how that ends: an UPDATE of a row that
# somebody else holds gets a lock conflict or deadlock (SQLSTATE 40001), which every program tries again. These get SQLSTATE 23000, with
# the very codes of a row that is wrong for good, and none of a lock is among them, not even when the time-out was waited for:
#   LOCK TIMEOUT 1, after 1 s: same key ('23000', 335544665, 335545072), as if taken ('23000', 335544665, 335545072);
#     a child ('23000', 335544466, 335544838, 335545072), as if no parent ('23000', 335544466, 335544838, 335545072);
#     an update ('40001', 335544336, 335544451, 335544878)
# So a program that sorts errors into "again" and "bad row" by their codes throws good rows away. Only looking whether one's own snapshot
# shows the other row tells the two apart.
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
import time
from importlib.util import find_spec

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

from firebird.driver import DatabaseError, Isolation, connect, create_database, driver_config, tpb

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
holder = create_database("a.fdb", user="SYSDBA")
for sql in (
    "create table parent (id integer primary key, state integer)",
    "create table child (id integer primary key, parent integer references parent)",
    "insert into parent values (7, 0)",
):
    holder.execute_immediate(sql)
    holder.commit()
holder.execute_immediate("insert into parent values (1, 0)")
holder.execute_immediate("update parent set state = 1 where id = 7")
other = connect("a.fdb", user="SYSDBA")


def refused(sql, wait):
    """The SQLSTATE and Firebird's codes of a statement that fails, and how many seconds it took."""
    other.begin(tpb(Isolation.SNAPSHOT, lock_timeout=wait))
    began = time.monotonic()
    try:
        other.execute_immediate(sql)
    except DatabaseError as error:
        return (error.sqlstate, *error.gds_codes), time.monotonic() - began
    finally:
        other.rollback()
    return ("done",), 0.0


is_so = True
for wait in (0, 1):
    (held, _), (same, waited), (child, _) = (
        refused(sql, wait)
        for sql in ("update parent set state = 2 where id = 7", "insert into parent values (1, 0)", "insert into child values (1, 1)")
    )
    (taken, _), (missing, _) = refused("insert into parent values (7, 0)", wait), refused("insert into child values (1, 99)", wait)
    print(f"LOCK TIMEOUT {wait}, after {waited:.0f} s: same key {same}, as if taken {taken};")
    print(f"  a child {child}, as if no parent {missing}; an update {held}")
    is_so &= same == taken and child == missing and same[0] == child[0] == "23000" and held[0] == "40001" and waited >= wait
holder.rollback()
print("as it was: the errors of an uncommitted key are those of a wrong one" if is_so else "this has changed")
sys.exit(0 if is_so else 1)
PY
