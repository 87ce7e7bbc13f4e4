#!/bin/sh
# kafka-python: of several bootstrap_servers one that is silent is asked, chosen at random, and never another one.
#
# kafka-python 3.0.12. Several bootstrap_servers are named so that one that is down does no harm. Where one refuses the connection, the next
# is tried. Where one takes it and says nothing (a host that hangs, a broker that starts), the first that was chosen gets the whole of
# bootstrap_timeout_ms, though request_timeout_ms is a tenth of that, and the client fails as if nobody were there:
#   two silent servers: asked ['one'], failed after 10.0 s (request_timeout_ms 1000) with KafkaTimeoutError
#   6 that refuse and a silent one: asked ['other']
# So with two servers, one of them silent, every second start fails.
#
# Needs python3 and pip. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check kafka-python==3.0.12

env/bin/python - <<'PY'
import logging
import socket
import sys
import threading
import time

logging.disable()
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

BOOTSTRAP_MS, REQUEST_MS = 10_000, 1000
REFUSE = 6
asked = []


def silent(name):
    """A server that takes connections and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))

    def take():
        while True:
            asked.append((name, listener.accept()))

    threading.Thread(target=take, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


def start(*servers):
    """What a client fails with, after how many seconds, and whom it asked."""
    asked.clear()
    began = time.monotonic()
    try:
        KafkaAdminClient(bootstrap_servers=servers, bootstrap_timeout_ms=BOOTSTRAP_MS, request_timeout_ms=REQUEST_MS)
    except KafkaError as error:
        return type(error).__name__, time.monotonic() - began, [name for name, _ in asked]
    return "nothing", 0.0, []


closed = [socket.socket() for _ in range(REFUSE)]
for nobody in closed:
    nobody.bind(("127.0.0.1", 0))  # and not listened at
one, other = silent("one"), silent("other")
error, seconds, whom = start(one, other)
print(f"two silent servers: asked {whom}, failed after {seconds:.1f} s (request_timeout_ms {REQUEST_MS}) with {error}")
_, _, instead = start(*(f"127.0.0.1:{nobody.getsockname()[1]}" for nobody in closed), other)
print(f"{REFUSE} that refuse and a silent one: asked {instead}")
if len(whom) == 1 and error == "KafkaTimeoutError" and seconds > BOOTSTRAP_MS / 1000 - 1 and instead == ["other"]:
    print("as it was: the first that says nothing takes all of the time")
else:
    sys.exit("this has changed")
PY
