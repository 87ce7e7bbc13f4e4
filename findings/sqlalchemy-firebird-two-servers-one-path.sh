#!/bin/sh
# sqlalchemy-firebird: of two engines for databases of one path on two servers, both connect to the server of the one that was made last.
#
# sqlalchemy-firebird 2.2.0, SQLAlchemy 2.1.9, firebird-driver 2.1.0. Every branch of a chain keeps its database at the same path. The
# dialect enters each URL into the driver's configuration, servers by host and port, but databases by their path alone; the second
# engine's entry takes the place of the first's, and the first engine, whose URL still shows the first server, connects to the second. With
# the same user and password on both no error would tell. Here two listeners note who comes and
# hang up:
#   engine of A asked B · engine of B asked B · alone, engine of A asked A
# A way out: create_engine(…, creator=lambda: firebird.driver.connect("host/port:path", …))
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
import socket
import sys
import threading
from importlib.util import find_spec

wheel = find_spec("firebird.embedded").submodule_search_locations[0] + "/runtime"
for library in ("libtommath.so.1", f"{wheel}/libtomcrypt.so.1"):  # which the wheel leaves to be found
    ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
os.environ |= {"FIREBIRD": wheel, "FIREBIRD_LOCK": os.getcwd()}

import sqlalchemy as sa
from firebird.driver import driver_config

driver_config.fb_client_library.value = f"{wheel}/libfbclient.so.2"
asked = []


def listen(name):
    """A port on which whoever comes is noted."""
    listener = socket.create_server(("127.0.0.1", 0))

    def note():
        while True:
            client, _ = listener.accept()
            asked.append(name)
            client.close()

    threading.Thread(target=note, daemon=True).start()
    return listener.getsockname()[1]


def engine(port):
    return sa.create_engine(f"firebird+firebird://user:secret@127.0.0.1:{port}//srv/shop.fdb")


def who_is_asked(by):
    asked.clear()
    try:
        by.connect()
    except sa.exc.DatabaseError:  # the listener hangs up
        return "".join(asked)
    return "nobody"


ports = [listen(name) for name in "AB"]
first = engine(ports[0])
alone = who_is_asked(first)
second = engine(ports[1])
found = who_is_asked(first), who_is_asked(second), alone
print("engine of A asked {} · engine of B asked {} · alone, engine of A asked {}".format(*found))
if found == ("B", "B", "A"):
    print("as it was: the engine made last takes the other one's place")
else:
    sys.exit("this has changed")
PY
