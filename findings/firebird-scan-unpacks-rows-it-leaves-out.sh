#!/bin/sh
# Firebird: one column in the select list makes a scan unpack every row, also those that WHERE leaves out; a join with itself is faster.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0; on a 3.0.11 server it is 4 times for rows as wide as an ERP's.
# The engine notes for each table of a statement whether any of its columns is asked for. Where none is, rows stay packed on their pages, as
# for COUNT(*). So who looks for a few rows of a wide table by what needs no column (RDB$RECORD_VERSION: which transaction wrote it) does
# better by asking for their place first, and for their key in the same table once more, though that is a join where there was none.
# Of 40,000 rows with 150 columns, of which none is found:
#   the key where the version is new: 28 ms
#   their places, joined with the key: 16 ms
#   1.8 times faster, and the same rows
#
# Needs python3, pip and libtommath.so.1. Ends with 0 while it is so (more than 1.2 times), with 1 when it has changed.
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
from statistics import median
from time import perf_counter

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

from firebird.driver import create_database, driver_config

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
connection = create_database("wide.fdb", user="SYSDBA")
others = [f"C{number}" for number in range(149)]
with connection.cursor() as cursor:
    cursor.execute(f"CREATE TABLE WIDE (ID INTEGER PRIMARY KEY, {', '.join(f'{name} VARCHAR(40)' for name in others)})")
    connection.commit()
    cursor.execute(
        "EXECUTE BLOCK AS DECLARE n INTEGER = 0; BEGIN WHILE (n < 40000) DO BEGIN "
        f"INSERT INTO WIDE (ID, {', '.join(others[::10])}) VALUES (:n{', :n' * len(others[::10])}); n = n + 1; END END"
    )
    connection.commit()
    newest = cursor.execute("SELECT MAX(RDB$RECORD_VERSION) FROM WIDE").fetchone()[0]

    def timed(statement, since):
        began = perf_counter()
        found = cursor.execute(statement.format(since=since)).fetchall()
        return perf_counter() - began, found

    plain = "SELECT ID FROM WIDE WHERE RDB$RECORD_VERSION >= {since}"
    by_place = (
        "SELECT W.ID FROM (SELECT RDB$DB_KEY AS PLACE FROM WIDE WHERE RDB$RECORD_VERSION >= {since}) F JOIN WIDE W ON W.RDB$DB_KEY = F.PLACE"
    )
    turns = [(timed(plain, newest + 1)[0], timed(by_place, newest + 1)[0]) for _ in range(9)]
    same = sorted(timed(plain, newest)[1]) == sorted(timed(by_place, newest)[1])
with_column, by_its_place = (median(times) for times in zip(*turns))
ratio = with_column / by_its_place
print(f"the key where the version is new: {1000 * with_column:.0f} ms")
print(f"their places, joined with the key: {1000 * by_its_place:.0f} ms")
print(f"{ratio:.1f} times faster, and {'the same' if same else 'other'} rows")
connection.close()
sys.exit(0 if same and ratio > 1.2 else 1)
PY
