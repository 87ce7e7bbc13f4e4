#!/bin/sh
# Microsoft's driver for SQL Server takes a refused connection for no answer: it knocks on until the login time is over.
#
# mssql-python 1.16.0 with ODBC Driver 18.6 (mssql-python-odbc 18.6.2.2), Linux. Where nobody listens the system says so at once (ECONNREFUSED),
# and drivers pass that on. This one tries again and again, whatever ConnectRetryCount says (that is for connections that were made), and
# fails when the login time-out has passed, so that a wrong port or a stopped server costs as long as a silent host; and a server that
# starts to listen meanwhile is reached:
#   nobody listens: 3.0 s of 3, 6.0 s of 6, with ConnectRetryCount=0 3.0 s of 3; the system itself: 0.0 s
#   somebody listens after 2 s: reached after 2.5 s
#
# Needs python3, pip, libltdl7 and libgssapi-krb5-2. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mssql-python==1.16.0 mssql-python-odbc==18.6.2.2

env/bin/python - <<'PY'
import socket
import sys
import threading
import time

import mssql_python

LATE = 2.0


def port_of_nobody():
    """Bound, so that no other program takes it, and not listened at."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound, bound.getsockname()[1]


def seconds_until_refused(seconds, more="", *, late=None):
    """How long a connect takes to fail; `late` is listened at after some time by somebody who hangs up."""
    bound, port = port_of_nobody()
    knocks = []

    def listen():
        time.sleep(LATE)
        bound.listen()
        bound.settimeout(seconds)
        client, _ = bound.accept()
        knocks.append(time.monotonic() - began)
        client.close()

    began = time.monotonic()
    if late:
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
    try:
        mssql_python.connect(f"SERVER=127.0.0.1,{port};UID=user;PWD=secret;Encrypt=no;{more}", timeout=seconds)
    except mssql_python.Error:
        took = time.monotonic() - began
    if late:
        listener.join(seconds)
        return knocks[0] if knocks else None
    return took


bound, port = port_of_nobody()
began = time.monotonic()
code = socket.socket().connect_ex(("127.0.0.1", port))
plain = time.monotonic() - began
short, long, never = seconds_until_refused(3), seconds_until_refused(6), seconds_until_refused(3, "ConnectRetryCount=0;")
knock = seconds_until_refused(6, late=True)
print(
    f"nobody listens: {short:.1f} s of 3, {long:.1f} s of 6, with ConnectRetryCount=0 {never:.1f} s of 3;"
    f" the system itself: {plain:.1f} s (error {code})"
)
print(f"somebody listens after {LATE:.0f} s: reached after {knock:.1f} s" if knock else "somebody who listens later is not reached")
if min(short, never) > 2.5 and long > 5.5 and plain < 0.5 and knock:
    print("as it was: a refused connection is tried until the time is over")
else:
    sys.exit("this has changed")
PY
