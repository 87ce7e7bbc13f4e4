#!/bin/sh
# kafka-configs takes a user's SCRAM password in square brackets on the command line, and refuses the same line in a file.
#
# Apache Kafka 4.3.1 (kafka_2.13 of Maven Central), one node in KRaft mode, Java 17 or newer. `kafka-configs --help` says of --add-config-file:
# "Path to a properties file with configs to add. See add-config for a list of valid configurations." So one expects to write
#   SCRAM-SHA-512=[password=secret]
# into the file, as on the command line. It is refused, under a name that nobody wrote:
#   Invalid credential property SCRAM_SHA_512=[password=secret]
# In a file the brackets, which there group nothing, have to go: SCRAM-SHA-512=password=secret
#
# Needs java and mvn. Ends with 0 while it is so, with 1 when it has changed.
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
kafka() { java -Xmx256m -XX:+UseSerialGC -cp "$folder/jars/*" "$@"; }
kafka kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c server.properties > format.log 2>&1
java -Xmx256m -XX:+UseSerialGC -cp "$folder/jars/*" kafka.Kafka server.properties > broker.log 2>&1 &
broker=$!

alter() { kafka kafka.admin.ConfigCommand --bootstrap-server "127.0.0.1:$clients" --alter --entity-type users --entity-name "$@" 2>&1; }
echo 'SCRAM-SHA-512=[password=secret]' > brackets.properties
echo 'SCRAM-SHA-512=password=secret' > plain.properties

tries=0
until line=$(alter one --add-config 'SCRAM-SHA-512=[password=secret]'); do  # the broker is starting
  tries=$((tries + 1))
  if [ "$tries" -gt 5 ]; then echo "the broker did not come up"; cat broker.log; exit 1; fi
done
in_brackets=$(alter two --add-config-file brackets.properties) && refused=no || refused=yes
plain=$(alter three --add-config-file plain.properties) && taken=yes || taken=no

printf 'on the command line, in brackets: %s\nin a file, in brackets: %s\nin a file, without: %s\n' \
  "$(echo "$line" | tail -1)" "$(echo "$in_brackets" | head -1)" "$(echo "$plain" | tail -1)"
case "$refused $taken $in_brackets" in
  "yes yes "*"Invalid credential property SCRAM_SHA_512="*) echo "as it was: the same line is refused in a file" ;;
  *) echo "this has changed"; exit 1 ;;
esac
