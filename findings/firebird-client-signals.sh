#!/bin/sh
# A program that handles SIGTERM or Ctrl-C itself, and goes on, has no Firebird any more: not its connections, and never again a new one.
#
# Firebird 5.0.4's client library (firebird-embedded 5.0.4.4), firebird-driver 2.1.0, Linux. At the first connection the library puts a
# handler of its own before the program's. At a signal it shuts itself down in this process for good, and then lets the program's handler run
# as if nothing had happened. So a handler that only notes "stop after this batch" is called in peace, and what is under way fails with
# 335544856; neither is there a way back, for the next connect fails as well:
#   handlers called: SIGTERM; the transaction under way: connection shutdown; a new connection: connection shutdown
# Set again after the first connection, Python's handler comes alone, and all goes on:
#   handlers called: SIGTERM; the transaction under way: committed; a new connection: made
#
# Needs python3, pip and libtommath.so.1. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check firebird-driver==2.1.0 firebird-base==2.0.4 firebird-embedded==5.0.4.4

cat > stop.py <<'PY'
import ctypes
import os
import signal
import sys
import time
from importlib.util import find_spec

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

from firebird.driver import DatabaseError, connect, create_database, driver_config

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
file = f"{sys.argv[1]}.fdb"
called = []


def note(number, frame):
    called.append(signal.Signals(number).name)


def outcome(action, well):
    try:
        action()
    except DatabaseError as error:
        return str(error)
    return well


def work():
    open_one.execute_immediate("insert into item values (2)")
    open_one.commit()


signal.signal(signal.SIGTERM, note)
open_one = create_database(file, user="SYSDBA")
if sys.argv[1] == "again":
    signal.signal(signal.SIGTERM, note)
open_one.execute_immediate("create table item (id integer)")
open_one.commit()
open_one.execute_immediate("insert into item values (1)")
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(1)
print(
    f"handlers called: {', '.join(called)}; the transaction under way: {outcome(work, 'committed')};"
    f" a new connection: {outcome(lambda: connect(file, user='SYSDBA'), 'made')}",
    flush=True,
)
os._exit(0)  # nothing of the driver's is asked of a library that has ended
PY

once=$(env/bin/python stop.py once)
again=$(env/bin/python stop.py again)
printf '%s\nset again: %s\n' "$once" "$again"
case "$once / $again" in
  *"called: SIGTERM; "*": connection shutdown; a new connection: connection shutdown / "*": committed; a new connection: made")
    echo "as it was: a signal that the program handled took Firebird away from it" ;;
  *) echo "this has changed"; exit 1 ;;
esac
