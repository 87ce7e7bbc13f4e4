"""A schema registry over HTTP that answers from Puente's topic of schemas, for readers that know no other way.

A reader of Confluent's asks one question, `GET /schemas/ids/N`, once for each schema that it meets.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from confluent_kafka import Message

from tests.integration.outsider import newest, read


def schemas_of(servers: str, prefix: str) -> dict[int, str]:
    """The schemas by their ids, as the topic has them now."""
    return {int(key): _text(event) for key, event in newest(read(servers, [f"{prefix}.schemas"])).items() if event.value() is not None}


def _text(event: Message) -> str:
    value = event.value()
    assert value is not None
    return value.decode()


@contextmanager
def served(schemas: Mapping[int, str]) -> Iterator[str]:
    """The registry's URL, on a free port of the loopback."""

    class Answering(_Handler):
        known = schemas

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    known: ClassVar[Mapping[int, str]] = {}

    def do_GET(self) -> None:
        asked = re.fullmatch(r"/schemas/ids/(\d+)", self.path.partition("?")[0])
        schema = self.known.get(int(asked[1])) if asked else None
        if schema is None:
            self._answer(404, {"error_code": 40403, "message": "Schema not found"})
        else:
            self._answer(200, {"schema": schema, "schemaType": "AVRO"})

    def _answer(self, status: int, content: Mapping[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what is asked is the test's to tell."""
