#!/bin/sh
# Firebird 5: a row of a prepared transaction that nobody ended is shown as it was before, until the database is opened anew; then it is an error.
#
# Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0. A transaction of two databases was prepared (first phase of a two-phase
# commit) and its coordinator died. Firebird's error for its rows is 335544459, "record from transaction 4 is stuck in limbo". One expects it
# from then on, or never. Which of the two one gets depends on whether the database was open meanwhile: as long as somebody stays attached who
# was there before, every new connection and transaction, too, reads the old version without a word, and RDB$TRANSACTIONS lists the
# transaction as in limbo. When the last one has gone, and the file is opened anew, the same query fails:
#   still open: [('old',)] snapshot, [('old',)] read committed, in limbo: [(4,)]
#   opened anew: 335544459 snapshot, 335544459 read committed, in limbo: [(4,)]
# So what worked beside such a transaction for weeks fails once all connections were closed for a moment.
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
import sys
from importlib.util import find_spec

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

from firebird.driver import DatabaseError, DistributedTransactionManager, Isolation, connect, create_database, driver_config, tpb

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
FILES = ("one.fdb", "other.fdb")


def make():
    for file in FILES:
        with create_database(file, user="SYSDBA") as made:
            made.execute_immediate("create table item (state varchar(10))")
            made.commit()
            made.execute_immediate("insert into item values ('old')")
            made.commit()


def prepare():
    """The whole transaction, but for its end."""
    opened = [connect(file, user="SYSDBA") for file in FILES]
    both = DistributedTransactionManager(opened)
    both.begin()
    for connection in opened:
        both.cursor(connection).execute("update item set state = 'new'")
    both.prepare()
    return both


def found(isolation, sql="select state from item"):
    """What a connection made for this reads, or why it does not."""
    with connect(FILES[0], user="SYSDBA") as reader:
        reader.begin(tpb(isolation))
        try:
            with reader.cursor() as cursor:
                return cursor.execute(sql).fetchall()
        except DatabaseError as error:
            return error.gds_codes[0]


def tell(when):
    limbo = found(Isolation.SNAPSHOT, "select rdb$transaction_id from rdb$transactions where rdb$transaction_state = 1")
    seen = found(Isolation.SNAPSHOT), found(Isolation.READ_COMMITTED_RECORD_VERSION)
    print(f"{when}: {seen[0]} snapshot, {seen[1]} read committed, in limbo: {limbo}", flush=True)


if sys.argv[1:] == ["dies"]:
    make()
    held = prepare()
    tell("still open")
    os._exit(0)  # as a coordinator that is killed
tell("opened anew")
PY

before=$(env/bin/python look.py dies)
after=$(env/bin/python look.py)
printf '%s\n%s\n' "$before" "$after"
case "$before / $after" in
  *": [('old',)] snapshot, [('old',)] read committed, in limbo: [("*" / "*": 335544459 snapshot, 335544459 read committed, in limbo: [("*)
    echo "as it was: a row in limbo turns from its old version into an error when the database is opened anew" ;;
  *) echo "this has changed"; exit 1 ;;
esac
