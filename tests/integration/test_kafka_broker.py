"""The Kafka broker that tests and `make demo-kafka` run on."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from tests.engines.kafka_broker import Broker, BrokerFailedError
from tests.engines.ports import HOST, listens
from tests.patience import HANG_SECONDS

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "kafka-broker"
PATIENCE_SECONDS = HANG_SECONDS
Start = Callable[..., subprocess.Popen[str]]

OWNER = """
import os, sys, time
from tests.engines.kafka_broker import Broker
broker = Broker.create(ends_with=[os.getpid(), *map(int, sys.argv[1:])], format_options=["--ignore-formatted"])
print("up", flush=True)
time.sleep(600)
"""
WORKER = """
import sys
from pathlib import Path
from tests.engines.shared_kafka import shared_broker
print(shared_broker(Path(sys.argv[1]), int(sys.argv[2])))
"""


def make_topic(servers: str, name: str, **settings: str) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        admin.create_topics([NewTopic(name, 1, 1, topic_configs=settings)])


def send(servers: str, topic: str, *messages: tuple[bytes, bytes]) -> None:
    with closing(KafkaProducer(bootstrap_servers=servers, acks="all")) as producer:
        for key, value in messages:
            producer.send(topic, key=key, value=value).get(PATIENCE_SECONDS)


def read(servers: str, topic: str) -> list[tuple[int, bytes, bytes]]:
    """All that the topic holds, as (offset, key, value)."""
    partition = TopicPartition(topic, 0)
    with closing(KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")) as consumer:
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        found: list[tuple[int, bytes, bytes]] = []
        while consumer.position(partition) < end:
            messages = consumer.poll(timeout_ms=1000).get(partition, [])
            found.extend((message.offset, message.key, message.value) for message in messages)
        return found


def eventually(holds: Callable[[], bool]) -> bool:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not (done := holds()) and time.monotonic() < limit:
        time.sleep(0.02)
    return done


def running(folder: Path, program: str = "") -> list[psutil.Process]:
    """The processes that were started with a file of this folder, and with this argument."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        arguments = process.info["cmdline"] or []
        if any(str(folder) in argument for argument in arguments) and (not program or program in arguments):
            found.append(process)
    return found


def nothing_left(folder: Path) -> bool:
    return not running(folder) and not [each for each in folder.glob("kafka-*") if each.is_dir()]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Start]:
    """Starts processes that have their temporary files in the test's folder; those that the test leaves are killed, with theirs."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
            text=True,
            stdout=subprocess.PIPE,
            # A process group of its own, which a test sends Ctrl-C to.
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_shared_broker_gives_back_what_it_was_sent(kafka_servers: str, kafka_prefix: str) -> None:
    topic = f"{kafka_prefix}.things"
    make_topic(kafka_servers, topic)
    send(kafka_servers, topic, (b"a", b"1"), (b"b", b"2"))
    assert read(kafka_servers, topic) == [(0, b"a", b"1"), (1, b"b", b"2")]


def test_a_topic_that_nobody_made_is_not_there(private_kafka_broker: Broker, kafka_prefix: str) -> None:
    with (
        closing(KafkaProducer(bootstrap_servers=private_kafka_broker.bootstrap_servers, max_block_ms=500)) as producer,
        pytest.raises(KafkaError),
    ):
        producer.send(f"{kafka_prefix}.things", b"1").get(PATIENCE_SECONDS)


@pytest.mark.parametrize("end", [Broker.stop, Broker.kill], ids=["stopped", "killed"])
def test_a_broker_comes_back_on_its_port_with_its_data(
    private_kafka_broker: Broker, kafka_prefix: str, end: Callable[[Broker], None]
) -> None:
    topic, servers, pid = f"{kafka_prefix}.things", private_kafka_broker.bootstrap_servers, private_kafka_broker.pid
    make_topic(servers, topic)
    send(servers, topic, (b"a", b"1"))
    end(private_kafka_broker)
    assert not listens(private_kafka_broker.port)

    private_kafka_broker.start()
    assert private_kafka_broker.pid not in {pid, None}
    assert private_kafka_broker.bootstrap_servers == servers
    send(servers, topic, (b"b", b"2"))
    assert read(servers, topic) == [(0, b"a", b"1"), (1, b"b", b"2")]


def test_what_is_cut_off_the_newest_segment_of_a_killed_broker_is_lost(private_kafka_broker: Broker, kafka_prefix: str) -> None:
    topic, servers = f"{kafka_prefix}.things", private_kafka_broker.bootstrap_servers
    make_topic(servers, topic)
    send(servers, topic, (b"a", b"1"))
    (segment,) = private_kafka_broker.log_folder(topic).glob("*.log")
    kept = segment.stat().st_size
    send(servers, topic, (b"b", b"2"), (b"c", b"3"))

    private_kafka_broker.kill()
    with segment.open("r+b") as file:
        file.truncate(kept)
    private_kafka_broker.start()
    assert read(servers, topic) == [(0, b"a", b"1")]


def test_a_paused_broker_answers_when_it_is_resumed_and_not_before(private_kafka_broker: Broker, kafka_prefix: str) -> None:
    topic, servers = f"{kafka_prefix}.things", private_kafka_broker.bootstrap_servers
    make_topic(servers, topic)
    with closing(KafkaProducer(bootstrap_servers=servers, acks="all")) as producer:
        producer.send(topic, b"1").get(PATIENCE_SECONDS)
        private_kafka_broker.pause()
        sent = producer.send(topic, b"2")
        time.sleep(0.5)  # in which a broker that is awake would have answered
        assert not sent.is_done
        private_kafka_broker.resume()
        assert sent.get(PATIENCE_SECONDS).offset == 1


def kill_behind_its_back(broker: Broker) -> None:
    assert broker._process is not None
    broker._process.kill()
    broker._process.wait()


@pytest.mark.parametrize("leave", [Broker.pause, kill_behind_its_back], ids=["paused", "dead"])
def test_a_broker_that_a_test_leaves_in_any_state_is_up_after_a_start(
    private_kafka_broker: Broker, leave: Callable[[Broker], None]
) -> None:
    leave(private_kafka_broker)
    private_kafka_broker.start()
    make_topic(private_kafka_broker.bootstrap_servers, f"left-{private_kafka_broker.pid}")


def test_a_paused_broker_can_be_stopped(private_kafka_broker: Broker) -> None:
    private_kafka_broker.pause()
    private_kafka_broker.stop()
    assert not listens(private_kafka_broker.port)


def test_compaction_and_the_removal_of_a_topic_do_not_keep_a_test_waiting(private_kafka_broker: Broker, kafka_prefix: str) -> None:
    topic, servers = f"{kafka_prefix}.things", private_kafka_broker.bootstrap_servers
    settings = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"}
    make_topic(servers, topic, **settings)
    send(servers, topic, (b"a", b"1"), (b"a", b"2"))
    time.sleep(0.2)  # longer than segment.ms
    # A segment ends with the first message that comes too late for it; only those that ended are compacted.
    send(servers, topic, (b"b", b"3"))
    assert eventually(lambda: read(servers, topic) == [(1, b"a", b"2"), (2, b"b", b"3")])

    folder = private_kafka_broker.log_folder(topic)
    assert folder.exists()
    with closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        admin.delete_topics([topic])
    assert eventually(lambda: not list(folder.parent.glob(f"{topic}*")))


def test_a_broker_that_does_not_come_up_says_what_it_wrote(private_kafka_broker: Broker) -> None:
    private_kafka_broker.stop()
    with socket.socket() as taken:
        taken.bind((HOST, private_kafka_broker.port))
        with pytest.raises(BrokerFailedError, match=r"(?s)port \d+ did not come up .*Java 17 or newer.*Address already in use"):
            private_kafka_broker.start()
    private_kafka_broker.start()


def test_a_removed_broker_leaves_nothing(private_kafka_broker: Broker) -> None:
    broker = Broker.create()
    assert broker.port != private_kafka_broker.port
    assert len(running(broker.root)) == 2  # and its guard
    broker.remove()
    assert running(broker.root) == []
    assert not broker.root.exists()


@pytest.mark.usefixtures("private_kafka_broker")  # so that the jars are there
@pytest.mark.parametrize("moment", ["kafka.tools.StorageTool", "kafka.Kafka", "up"], ids=["formatting", "starting", "running"])
def test_no_broker_outlives_a_test_run_that_is_killed(processes: Start, tmp_path: Path, moment: str) -> None:
    owner = processes("-c", OWNER)
    if moment == "up":
        assert first_line(owner) == "up"
    else:
        assert eventually(lambda: bool(running(tmp_path, moment)))
    owner.kill()
    owner.wait()
    assert eventually(lambda: nothing_left(tmp_path))


@pytest.mark.usefixtures("private_kafka_broker")  # so that the jars are there
def test_all_workers_share_one_broker_until_the_test_run_ends(processes: Start, tmp_path: Path) -> None:
    run = processes("-c", "import time; time.sleep(600)")
    workers = [processes("-c", WORKER, tmp_path, str(run.pid)) for _ in range(3)]
    told = {worker.communicate(timeout=PATIENCE_SECONDS)[0].strip() for worker in workers}
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    (servers,) = told
    assert len(running(tmp_path, "kafka.Kafka")) == 1
    make_topic(servers, "the-workers-are-gone")

    run.kill()
    run.wait()
    assert eventually(lambda: nothing_left(tmp_path))


@pytest.mark.usefixtures("private_kafka_broker")  # so that the jars are there
def test_a_worker_that_lives_on_holds_no_broker_of_a_test_run_that_is_killed(processes: Start, tmp_path: Path) -> None:
    run = processes("-c", "import time; time.sleep(600)")
    worker = processes("-c", OWNER, str(run.pid))
    assert first_line(worker) == "up"
    run.kill()
    run.wait()
    assert eventually(lambda: nothing_left(tmp_path))
    assert worker.poll() is None


@pytest.mark.usefixtures("private_kafka_broker")  # so that the jars are there
def test_the_tool_runs_a_command_with_a_broker_and_ends_as_the_command_does(processes: Start, tmp_path: Path) -> None:
    program = "import sys; from kafka import KafkaAdminClient; KafkaAdminClient(bootstrap_servers=sys.argv[1]).close(); sys.exit(7)"
    tool = processes(TOOL, "run", "--", sys.executable, "-c", program, "{servers}")
    assert tool.wait(PATIENCE_SECONDS) == 7
    assert nothing_left(tmp_path)


@pytest.mark.usefixtures("private_kafka_broker")  # so that the jars are there
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_the_tool_ends_its_broker_when_it_is_asked_to_end(processes: Start, tmp_path: Path, asked: signal.Signals) -> None:
    program = "import sys, time; print(sys.argv[1], flush=True); time.sleep(600)"
    tool = processes(TOOL, "run", "--", sys.executable, "-c", program, "{servers}")
    host, port = first_line(tool).split(":")
    assert (host, listens(int(port))) == (HOST, True)
    if asked is signal.SIGINT:
        os.killpg(tool.pid, asked)  # as a terminal does on Ctrl-C
    else:
        tool.send_signal(asked)
    assert tool.wait(PATIENCE_SECONDS) == 128 + asked
    assert nothing_left(tmp_path)


@pytest.mark.usefixtures("private_kafka_broker")  # so that the jars are there
def test_the_tool_alone_holds_a_broker_until_it_is_asked_to_end(processes: Start, tmp_path: Path) -> None:
    tool = processes(TOOL, "run")
    make_topic(first_line(tool), "things")
    tool.send_signal(signal.SIGINT)
    assert tool.wait(PATIENCE_SECONDS) == 128 + signal.SIGINT
    assert nothing_left(tmp_path)
