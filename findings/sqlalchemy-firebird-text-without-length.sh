#!/bin/sh
# sqlalchemy-firebird: a text compared with a column that was not given its length is sent as a BLOB, and the column's index is not used.
#
# sqlalchemy-firebird 2.2.0, SQLAlchemy 2.1.9, Firebird 5.0.4 (firebird-embedded 5.0.4.4), firebird-driver 2.1.0. The dialect puts a cast
# around each parameter. The type of column("k"), or of Column("k", String), has no length, for which the cast is to BLOB SUB_TYPE TEXT:
#   WHERE item.k = CAST(? AS BLOB SUB_TYPE TEXT)
# The rows are right, so nobody notices, but Firebird compares with a BLOB row by row, the primary key notwithstanding. With
# String(16), or where the SQL is written by hand, one row is read. Of 5,000, by a key that is there:
#   rows read one after the other: k: 5003 · k, String: 5000 · k, String(16): 0 · text(): 0
# (the three more are of system tables).
#
# Needs python3, pip and libtommath.so.1. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check sqlalchemy==2.1.9 sqlalchemy-firebird==2.2.0 \
  firebird-driver==2.1.0 firebird-base==2.0.4 firebird-embedded==5.0.4.4

env/bin/python - <<'PY'
import ctypes
import os
import sys
from importlib.util import find_spec

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

import sqlalchemy as sa
from firebird.driver import create_database, driver_config

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
ROWS = 5000
FILL = f"""execute block as declare i integer = 0;
           begin while (i < {ROWS}) do begin insert into item values ('K' || :i, :i); i = i + 1; end end"""
file = f"{os.getcwd()}/a.fdb"
with create_database(file, user="SYSDBA") as made:
    made.execute_immediate("create table item (k varchar(16) not null primary key, v integer)")
    made.commit()
    made.execute_immediate(FILL)
    made.commit()

READ = """select r.mon$record_seq_reads from mon$attachments a join mon$record_stats r on r.mon$stat_id = a.mon$stat_id
          where a.mon$attachment_id = current_connection"""
engine = sa.create_engine(f"firebird+firebird://SYSDBA@/{file}")


def by_key(*type_):
    item = sa.table("item", sa.column("k", *type_), sa.column("v"))
    return sa.select(item.c.v).where(item.c.k == "K77")


def read_one_by_one(query, **parameters):
    """The rows that are read without an index, of `item` and of some system tables."""
    with engine.connect() as connection:
        before = connection.exec_driver_sql(READ).scalar_one()
        connection.rollback()
        assert connection.execute(query, parameters).all() == [(77,)]
        connection.rollback()
        return connection.exec_driver_sql(READ).scalar_one() - before


queries = {"k": by_key(), "k, String": by_key(sa.String()), "k, String(16)": by_key(sa.String(16))}
print(" ".join(str(queries["k"].compile(engine)).split()))
found = {name: read_one_by_one(query) for name, query in queries.items()}
found["text()"] = read_one_by_one(sa.text("select v from item where k = :key"), key="K77")
print("rows read one after the other: " + " · ".join(f"{name}: {rows}" for name, rows in found.items()))
if [rows >= ROWS for rows in found.values()] == [True, True, False, False]:
    print("as it was: a text without a length reads the whole table")
else:
    sys.exit("this has changed")
PY
