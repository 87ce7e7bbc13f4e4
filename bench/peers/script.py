"""A script as somebody writes it who knows Python: reads rows as JSON from a topic and writes them by a driver's `executemany`.

It shares nothing with Puente, and imports nothing of it.
"""

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import confluent_kafka

AT_ONCE = 2000
"""Rows of a commit, where so many are there."""
WAIT_SECONDS, MORE_SECONDS = 1.0, 0.005
"""For how long the first of some rows is waited for, and then for more of them."""


def main() -> None:
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    columns = told["columns"]  # the key first
    driver = importlib.import_module(told["module"])
    connection = driver.connect(told["place"], user=told["user"], password=told["password"], charset="ISO8859_1")
    marks = ", ".join("?" * len(columns))
    sql = f"UPDATE OR INSERT INTO {told['table']} ({', '.join(columns)}) VALUES ({marks}) MATCHING ({columns[0]})"
    cursor = connection.cursor()
    statement = cursor.prep(sql) if told["module"] == "fdb" else cursor.prepare(sql)
    settings = {"bootstrap.servers": told["servers"], "group.id": told["topic"], "enable.auto.commit": False}
    consumer = confluent_kafka.Consumer(settings)
    consumer.assign([confluent_kafka.TopicPartition(told["topic"], 0, confluent_kafka.OFFSET_BEGINNING)])
    while True:
        rows = list(_read(consumer, columns))
        if rows:
            cursor.executemany(statement, rows)
            connection.commit()


def _read(consumer: Any, columns: Sequence[str]) -> Iterator[list[Any]]:
    first = consumer.poll(WAIT_SECONDS)
    for message in [] if first is None else [first, *consumer.consume(AT_ONCE - 1, MORE_SECONDS)]:
        if message.error():
            raise confluent_kafka.KafkaException(message.error())
        row = json.loads(message.value())
        yield [row[column] for column in columns]


if __name__ == "__main__":
    main()
