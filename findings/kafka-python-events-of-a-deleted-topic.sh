#!/bin/sh
# kafka-python: a consumer hands out events of a topic that was deleted meanwhile, and the topic's id, asked before and after, does not tell.
#
# Apache Kafka 4.3.1 (kafka_2.13 of Maven Central), one node in KRaft mode, Java 17 or newer; kafka-python 3.0.12. Its KafkaConsumer fetches
# by the topic's name, not by its id (KIP-516), and keeps what one answer holds beyond max_poll_records for the next polls. A topic holds ten
# messages, of which one is polled. Then it is deleted and made again under its name, with ten others. Whoever now asks which id the topic
# has, polls, and asks again, gets the new id twice, and between the two a message of the old topic:
#   the id before and after the poll: the same, and the new one · the message between: old 1
# It bites a reader that takes the two ids for a proof of what came between them. (A seek throws away what was kept.)
#
# Needs python3, pip, java and mvn. Ends with 0 while it is so, with 1 when it has changed.
set -eu

folder=$(mktemp -d)
broker=
finish() {
  [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
  [ -z "$broker" ] || wait "$broker" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
cd "$folder"

cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.1</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.3</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$folder/jars"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check kafka-python==3.0.12

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
clients=$(free_port)
controller=$(free_port)
cat > server.properties <<SETTINGS
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$clients,CONTROLLER://127.0.0.1:$controller
controller.quorum.voters=1@127.0.0.1:$controller
log.dirs=$folder/data
SETTINGS
java -Xmx256m -XX:+UseSerialGC -cp "$folder/jars/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c server.properties > format.log 2>&1
java -Xmx256m -XX:+UseSerialGC -cp "$folder/jars/*" kafka.Kafka server.properties > broker.log 2>&1 &
broker=$!

env/bin/python - "127.0.0.1:$clients" <<'PY'
import logging
import sys
import time

logging.disable()
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

server, NAME = sys.argv[1], "prices"
PARTITION = TopicPartition(NAME, 0)
for _ in range(30):
    try:
        admin = KafkaAdminClient(bootstrap_servers=server, bootstrap_timeout_ms=2000)
        break
    except KafkaError:  # the broker is starting
        time.sleep(0.5)


def topic_id():
    """None while the broker knows no such topic."""
    told = admin.describe_topics([NAME])[0]
    return None if told["error_code"] else told["topic_id"]


def wait_until(holds):
    until = time.monotonic() + 30
    while not holds():
        if time.monotonic() > until:
            sys.exit("the broker took too long")
        time.sleep(0.1)


def make(word):
    admin.create_topics({NAME: {"num_partitions": 1, "replication_factor": 1}})
    wait_until(topic_id)
    with KafkaProducer(bootstrap_servers=server) as producer:
        for number in range(10):
            producer.send(NAME, f"{word} {number}".encode()).get(30)


def polled():
    found = []
    wait_until(lambda: found.extend(consumer.poll(timeout_ms=1000).get(PARTITION, [])) or found)
    return found[0].value.decode()


make("old")
consumer = KafkaConsumer(bootstrap_servers=server, auto_offset_reset="earliest", enable_auto_commit=False, max_poll_records=1)
consumer.assign([PARTITION])
first, old_id = polled(), topic_id()
admin.delete_topics([NAME])
wait_until(lambda: topic_id() is None)
make("new")
before = topic_id()
between = polled()
after = topic_id()
same = "the same" if before == after else "others"
which = "the new one" if before != old_id else "the old one"
print(f"the id before and after the poll: {same}, and {which} · the message between: {between}")
if first == "old 0" and before == after != old_id and between.startswith("old"):
    print("as it was: the ids prove nothing")
else:
    sys.exit("this has changed")
PY
