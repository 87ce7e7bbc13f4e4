#!/bin/sh
# Kafka: an answer to a fetch ends with the segment in which it begins, however many bytes were asked for at the least.
#
# Apache Kafka 4.3.1 (kafka_2.13 of Maven Central), one node in KRaft mode, Java 17 or newer; kafka-python 3.0.12. fetch.min.bytes is "the
# minimum amount of data the server should return for a fetch request", for which it waits up to fetch.max.wait.ms. Here that is 1,000 bytes
# and five seconds, and a topic holds 20 messages of 100 bytes, all there before the consumer comes. In one segment they come in one answer.
# In 20 (a new one begins with segment.ms, each time) the broker answers 19 times at once, with one message, though the rest is there and asked
# for. Only in the newest segment it waits, in vain:
#   one segment: 20 · 20 segments: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
#   19 answers within 0.4 s, the last one after 5.4 s
# It bites a reader that asks again from the last offset it has, to see that it is still there: at the end of a segment the answer is that
# one message each time, and looks like the end of the topic for good.
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

server = sys.argv[1]
MESSAGES, WAIT = 20, 5
for _ in range(30):
    try:
        admin = KafkaAdminClient(bootstrap_servers=server, bootstrap_timeout_ms=2000)
        break
    except KafkaError:  # the broker is starting
        time.sleep(0.5)
admin.create_topics(
    {
        "one": {"num_partitions": 1, "replication_factor": 1},
        "many": {"num_partitions": 1, "replication_factor": 1, "configs": {"segment.ms": "1"}},
    }
)
with KafkaProducer(bootstrap_servers=server) as producer:
    for number in range(MESSAGES):  # each is acknowledged before the next, and made a second after it
        for topic in ("one", "many"):
            producer.send(topic, bytes(100), timestamp_ms=1_700_000_000_000 + 1000 * number).get(10)


def answers(topic):
    """How many messages came with each answer, and after how many seconds from the start."""
    consumer = KafkaConsumer(bootstrap_servers=server, fetch_min_bytes=1000, fetch_max_wait_ms=1000 * WAIT, enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    began, found = time.monotonic(), []
    while sum(count for count, _ in found) < MESSAGES and time.monotonic() - began < 30:
        if came := consumer.poll(timeout_ms=2000 * WAIT):
            found.append((len(came[partition]), time.monotonic() - began))
    consumer.close()
    return found


one, many = answers("one"), answers("many")
counts = [count for count, _ in many]
quick = sum(seconds < WAIT for _, seconds in many)
print(f"one segment: {one[0][0]} · {MESSAGES} segments: {' '.join(map(str, counts))}")
print(f"{quick} answers within {many[quick - 1][1]:.1f} s, the last one after {many[-1][1]:.1f} s")
if [count for count, _ in one] == [MESSAGES] and counts == [1] * MESSAGES and quick == MESSAGES - 1:
    print("as it was: an answer ends with its segment")
else:
    sys.exit("this has changed")
PY
