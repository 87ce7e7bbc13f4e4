#!/bin/sh
# Firebird: the RDB$RECORD_VERSION of a row can go down, while the row gets newer.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0. RDB$RECORD_VERSION is the number of the transaction that wrote what a
# reader sees of a row, and transactions are numbered upwards, so it is taken for what `rowversion` is in SQL Server: keep the greatest number
# seen, ask for greater ones. But the number is given when a transaction begins, not when it writes or commits. In READ COMMITTED an old
# transaction may write to a row that a younger one has written and committed meanwhile, and then the row's number falls below what it was:
#   as made: 2, written by the younger transaction: 6, then by the older one: 5; above 6: no row
# Nothing else is going on then: no transaction is open, nothing is late. To see each change takes asking whether the number differs.
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

from firebird.driver import Isolation, connect, create_database, driver_config, tpb

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
read_committed = tpb(Isolation.READ_COMMITTED_RECORD_VERSION)


def ask(sql):
    with connect("a.fdb", user="SYSDBA") as reader, reader.cursor() as cursor:
        return cursor.execute(sql).fetchall()


older = create_database("a.fdb", user="SYSDBA")
older.execute_immediate("create table item (id integer primary key, price integer)")
older.commit()
older.execute_immediate("insert into item values (1, 10)")
older.commit()
number = "select rdb$record_version from item"
((made,),) = ask(number)

older.begin(read_committed)
began = older.main_transaction.info.id
with connect("a.fdb", user="SYSDBA") as younger:
    younger.begin(read_committed)
    younger.execute_immediate("update item set price = 20")
    younger.commit()
((before,),) = ask(number)
older.execute_immediate("update item set price = 30")
older.commit()
((after,),) = ask(number)
found = ask(f"select id from item where rdb$record_version > {before}")
older.close()

print(f"as made: {made}, written by the younger transaction: {before}, then by the older one: {after}; above {before}: {found or 'no row'}")
if after == began < before and not found:
    print("as it was: the newest state of the row has the smaller number")
else:
    sys.exit("this has changed")
PY
