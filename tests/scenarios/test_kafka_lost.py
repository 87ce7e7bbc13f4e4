"""The broker stopped, killed, deaf, cut off, robbed of topics or of their ends: told once, healed by itself, nothing lost.

That a trouble came when it was meant to come is told by the program's own log.
"""

import shutil
from functools import partial
from pathlib import Path
from time import sleep

import pytest

from foundation.errors import ExitCode
from foundation.eventlog.port import DAY_MS, START, Record, TopicSettings
from tests.e2e.running import Running
from tests.e2e.small_site import SmallSite, wait_until
from tests.engines.kafka_broker import Broker
from tests.engines.kafka_line import FETCH, PRODUCE, Line, Trouble
from tests.engines.kafka_topics import delete_some, lose_tail, set_topic, take_tombstone
from tests.scenarios.trouble import Story

pytestmark = pytest.mark.kafka_log
WORKERS = ("SAE", "centro", "norte")
PRODUCER = "producer"
"""In its lines about whose turn it is; consumers stand by, too."""
LARGE = 2_500
"""Of what is published or read, bytes that only an edit of everything has."""
TOPICS = ("product_line", "tax_scheme", "currency", "product", "customer", "stock.1", "stock.2", "stock.3", "control")


def tell_once(puente: Running, reason: str, *workers: str) -> None:
    """These told the trouble, and nobody another or anything twice, but that a broker was met before it was up; and that it is over."""
    wait_until(lambda: all(puente.told("recovered", f"worker={worker}") for worker in workers))
    for worker in workers:
        assert len(puente.told("failed", f"worker={worker} reason={reason}")) == 1, puente.said
    assert len(failures(puente)) == len(puente.told("recovered")) == len(workers), puente.said


def failures(puente: Running, told: str = "") -> list[str]:
    """But for those of a broker that was met half started."""
    return [line for line in puente.told("failed", told) if "it is starting" not in line]


def unreachable(servers: str) -> str:
    return f"Kafka {servers} cannot be reached"


# a broker that is away


def test_a_broker_that_is_away_or_deaf_is_told_once_by_each_worker_and_a_short_silence_by_none(
    kafka_story: Story, private_kafka_broker: Broker
) -> None:
    reason = unreachable(private_kafka_broker.bootstrap_servers)
    with kafka_story.running() as puente:
        wait_until(lambda: len(puente.told("claim")) == 2)
        private_kafka_broker.pause()
        kafka_story.edit()
        sleep(2)  # shorter than anybody waits for an answer
        private_kafka_broker.resume()
        kafka_story.heals()
        assert puente.told("failed") == []
        private_kafka_broker.stop()
        kafka_story.edit()
        wait_until(lambda: len(puente.told("failed")) == len(WORKERS))
        private_kafka_broker.start()
        kafka_story.heals()
        tell_once(puente, reason, *WORKERS)
        # And one that is silent for longer than a request may take, to the end
        private_kafka_broker.pause()
        kafka_story.edit()
        wait_until(lambda: len(puente.told("failed", f"reason={reason}")) == 2 * len(WORKERS))
    private_kafka_broker.resume()
    assert len(puente.told("failed", f"reason={reason}")) == 2 * len(WORKERS), puente.said
    kafka_story.once()


# in the middle of a pass


def has_befallen(trouble: Trouble, puente: Running, told: int) -> bool:
    """And the producer has told more than was told of it before."""
    return trouble.count == 0 and len(puente.told("failed", "worker=SAE")) > told


def has_recovered(puente: Running, times: int) -> bool:
    return len(puente.told("recovered", "worker=SAE")) == times


def test_the_broker_goes_in_the_middle_of_a_pass(kafka_story: Story, private_kafka_broker: Broker, line: Line) -> None:
    """Of what is published, the first part stands in the log; of the second half a request, or all but its answer."""
    with kafka_story.running() as puente:
        for turn, (is_answer, end) in enumerate([(False, private_kafka_broker.stop), (True, private_kafka_broker.kill)], 1):
            told = len(puente.told("failed", "worker=SAE"))
            trouble = line.befalls(Trouble(kind=PRODUCE, size=LARGE, spared=1, is_answer=is_answer, half=not is_answer, action=end))
            kafka_story.edit()
            wait_until(partial(has_befallen, trouble, puente, told))
            private_kafka_broker.start()
            kafka_story.heals()
            wait_until(partial(has_recovered, puente, turn))
    assert len(puente.told("failed", f"worker=SAE reason={unreachable(line.address)}")) == 2
    assert len(puente.told("start")) == 3


def test_the_line_is_cut_again_and_again_half_way_through_requests_and_answers(kafka_story: Story, line: Line) -> None:
    """They are sent again within the time that a request has: nobody need be told."""
    with kafka_story.running() as puente:
        for is_answer in (False, True):
            cuts = [
                line.befalls(Trouble(kind=PRODUCE, size=LARGE, is_answer=is_answer, half=True, count=2)),
                line.befalls(Trouble(kind=FETCH, size=LARGE if is_answer else 0, is_answer=is_answer, half=True, count=2)),
            ]
            kafka_story.edit()
            kafka_story.heals()
            assert [cut.count for cut in cuts] == [0, 0]
    assert puente.told("failed") == []


# in the middle of a resync


def test_the_broker_goes_in_the_middle_of_a_resync(kafka_story: Story, private_kafka_broker: Broker, line: Line) -> None:
    """One that somebody asked for, then one that follows by itself: once while the log is read, once while CAJA is written."""
    site, gone = kafka_story.site, unreachable(line.address)
    by_hand = "UPDATE CATINVEN SET DESCRIPCIO = 'a mano', PRECIOP = 1"
    site.caja_sql("norte", by_hand)
    line.befalls(Trouble(kind=FETCH, size=LARGE, is_answer=True, half=True, action=private_kafka_broker.kill))
    asked = site.puente("resync", "--caja", "norte")
    assert asked.returncode == ExitCode.DOWN
    assert [said for said in asked.stderr.splitlines() if said.startswith("puente: ")] == [f"puente: {gone}"]
    private_kafka_broker.start()
    line.befalls(Trouble(kind=FETCH, size=LARGE, spared=1, is_answer=True, half=True, action=private_kafka_broker.stop))
    with kafka_story.running("consume", "--caja", "norte") as puente:
        wait_until(lambda: bool(puente.told("failed")))
        private_kafka_broker.start()
        kafka_story.heals()
        tell_once(puente, gone, "norte")
        topic = f"topic={site.topic('product')} "
        assert len(puente.told("resync", f"{topic}reason=somebody asked for it")) == 2
        assert len(puente.told("resynced", topic)) == 1
    kafka_story.once()


# topics that somebody deletes


def make_again(site: SmallSite, name: str) -> None:
    """A topic of the same name that is longer than the one that was read, and ends with older values than those that were read last."""
    topic = site.topic(name)
    with site.log() as log:
        state = log.state(topic)
        assert state is not None
        events = log.read(topic, START, state.end).events
        old = [Record(topic=topic, key=event.key, value=event.value, headers=event.headers) for event in events[: len(events) // 2]]
        delete_some(site.kafka, topic)
        wait_until(lambda: log.state(topic) is None)
        log.create({topic: TopicSettings()})
        for _ in range(3):
            log.append(old)


def test_topics_are_deleted_while_puente_is_stopped(kafka_story: Story) -> None:
    """One of them grew past every position since; one is the producer's own."""
    site = kafka_story.site
    delete_some(site.kafka, site.topic("stock.1"), site.topic("control"))
    make_again(site, "product")
    kafka_story.edit()
    with kafka_story.running() as puente:
        kafka_story.heals()
    reason = f"reason=The topic {site.topic('product')} was deleted, cut or made again"
    assert len(puente.told("lineage", reason)) == 2, puente.said
    site.delete_log()
    kafka_story.edit()
    kafka_story.once()


def test_topics_are_deleted_under_a_running_puente(kafka_story: Story) -> None:
    site = kafka_story.site
    with kafka_story.running() as puente:
        for names in (["product"], ["control"], TOPICS):
            kafka_story.edit()
            delete_some(site.kafka, *map(site.topic, names))
            kafka_story.edit()
            kafka_story.heals()
        kafka_story.edit()
        make_again(site, "product")
        kafka_story.heals()
    assert len(puente.told("lineage", site.topic("product"))) >= 3 * 2, puente.said


# what compaction takes


def test_a_caja_that_was_away_while_compaction_took_a_tombstone_is_compared_with_that_topic(kafka_story: Story) -> None:
    """The topic has what Kafka gives those of which nobody says anything: a tombstone lasts a day. CAJA was away for four."""
    site, topic = kafka_story.site, kafka_story.site.topic("customer")
    comes = "INSERT INTO CLIE01 (CLAVE, NOMBRE, STATUS) VALUES ('{key}', 'Cliente', 'A')"
    for key in ("ADIOS", "QUEDA-1"):  # what is read last stays, by which a reader knows the topic again
        site.sql(comes.format(key=key))
        kafka_story.once()
    for statement in ("DELETE FROM CLIE01 WHERE CLAVE = 'ADIOS'", comes.format(key="QUEDA-2")):
        site.sql(statement)
        assert site.puente("produce", "--once").returncode == 0
    assert site.puente("consume", "--caja", "centro", "--once").returncode == 0
    with site.log() as log:
        take_tombstone(site.kafka, log, topic, b"ADIOS")
        set_topic(site.kafka, topic, min_compaction_lag_ms="0", delete_retention_ms="86400000", segment_ms="86400000")
        wait_until(lambda: log.settings(topic) == TopicSettings(min_compaction_lag_ms=0, delete_retention_ms=DAY_MS))
    site.caja_sql("norte", "UPDATE PUENTE_POSITIONS SET END_REACHED = DATEADD(-4 DAY TO END_REACHED)")
    with kafka_story.running() as puente:
        kafka_story.heals()
    assert [line for line in puente.told("resync") if topic not in line] == [], puente.said
    assert len(puente.told("resync", "caja=norte")) == 1, puente.said


# what a power cut takes


def power_cut(broker: Broker, story: Story, losses: dict[str, int | None]) -> None:
    """Of each topic so many batches (None: all) were not on the disk."""
    broker.kill()
    for name, batches in losses.items():
        lose_tail(broker.log_folder(story.site.topic(name)), batches)
    broker.start()


LOST: dict[str, int | None] = {**dict.fromkeys(TOPICS, 1), "product": None, "stock.1": None}
"""Of two topics all, of the others what was written last."""


def test_the_ends_of_topics_are_lost_under_a_running_puente_which_notices(kafka_story: Story, private_kafka_broker: Broker) -> None:
    """It sleeps meanwhile: else it would wait for the broker, and begin anew for that alone."""
    with kafka_story.running() as puente, kafka_story.no_price_goes_back():
        kafka_story.edit()
        kafka_story.heals()
        with puente.asleep():
            power_cut(private_kafka_broker, kafka_story, LOST)
        kafka_story.edit()
        kafka_story.heals()
        wait_until(lambda: bool(puente.told("recovered", "worker=SAE")))
    (cut,) = failures(puente, "worker=SAE ")
    # The last where it fell asleep in the middle of a request, whose time is over when it wakes
    noticed = ("deleted, cut or made again", "does not hold an event that it acknowledged", "no longer holds", "cannot be reached")
    assert [said for said in noticed if said in cut] != [], cut
    assert len(puente.told("start")) == 2
    for caja in ("centro", "norte"):
        for name in TOPICS[:5]:
            topic = kafka_story.site.topic(name)
            assert len(puente.told("lineage", f"caja={caja} topic={topic} reason=The topic {topic} ")) == 1, puente.said


def test_the_ends_of_topics_are_lost_while_puente_is_stopped(kafka_story: Story, private_kafka_broker: Broker) -> None:
    """One CAJA has read what was lost, the other has not."""
    site = kafka_story.site
    kafka_story.edit()
    assert site.puente("produce", "--once").returncode == 0
    assert site.puente("consume", "--once", "--caja", "centro").returncode == 0
    power_cut(private_kafka_broker, kafka_story, LOST)
    kafka_story.edit()
    kafka_story.once()


def test_an_older_copy_of_the_brokers_data_is_put_back(kafka_story: Story, private_kafka_broker: Broker, tmp_path: Path) -> None:
    private_kafka_broker.stop()
    shutil.copytree(private_kafka_broker.data, tmp_path / "older")
    private_kafka_broker.start()
    with kafka_story.running() as puente, kafka_story.no_price_goes_back():
        kafka_story.edit()
        kafka_story.heals()
        put_back(private_kafka_broker, tmp_path / "older")
        wait_until(lambda: len(puente.told("start")) == 2)
        kafka_story.edit()
        kafka_story.heals()
    for caja in ("centro", "norte"):
        assert puente.told("resync", f"caja={caja} topic={kafka_story.site.topic('product')} ") != [], puente.said
    # And while it is stopped: every CAJA is ahead of the log, which then gives the same places to other events
    put_back(private_kafka_broker, tmp_path / "older")
    for _ in range(2):
        kafka_story.edit()
    with kafka_story.no_price_goes_back():
        kafka_story.once()


def put_back(broker: Broker, copy: Path) -> None:
    broker.stop()
    shutil.rmtree(broker.data)
    shutil.copytree(copy, broker.data)
    broker.start()


# a disk that is full


def test_a_disk_that_is_full_ends_the_broker_and_all_goes_on_when_it_has_room(kafka_story: Story, private_kafka_broker: Broker) -> None:
    """Kafka ends itself where the only disk that it has takes no more."""
    servers = private_kafka_broker.bootstrap_servers
    with kafka_story.running() as puente:
        wait_until(lambda: len(puente.told("claim")) == 2)
        private_kafka_broker.fill_disk()
        kafka_story.edit()
        private_kafka_broker.wait_until_ended()
        wait_until(lambda: len(puente.told("failed", f"reason={unreachable(servers)}")) == len(WORKERS))
        private_kafka_broker.start()
        kafka_story.heals()
    assert "Shutdown broker because all log dirs" in private_kafka_broker.log
    *said_before, gone = failures(puente, "worker=SAE ")
    assert gone.endswith(f"reason={unreachable(servers)}")
    # The broker ends so soon that its own word may be lost
    assert [line for line in said_before if not line.endswith(f"Kafka {servers} cannot write to its disk: look whether it is full")] == []
    assert len(said_before) <= 1


# two whole programs


def test_of_two_programs_the_one_that_is_cut_off_hands_over_stands_by_and_takes_over_in_its_turn(
    kafka_story: Story, private_kafka_broker: Broker, line: Line
) -> None:
    site = kafka_story.site
    straight = site.settings.read_text(encoding="utf-8").replace(line.address, private_kafka_broker.bootstrap_servers)
    (site.folder / "straight.toml").write_text(straight, encoding="utf-8")
    with kafka_story.running() as first:
        wait_until(lambda: len(first.told("claim")) == 2 and bool(first.told("start")))
        second = Running(site, "run", "-c", "straight.toml")
        try:
            wait_until(lambda: bool(second.told("stand by", PRODUCER)))
            line.cut()
            kafka_story.edit()
            wait_until(lambda: bool(second.told("take over")) and len(second.told("claim")) == 2)
            kafka_story.heals()
            line.mend()
            wait_until(lambda: bool(first.told("stand by", PRODUCER)))
            kafka_story.edit()
            kafka_story.heals()
        finally:
            second.kill()
        kafka_story.edit()
        kafka_story.heals()
        assert "Traceback" not in second.said
        assert [len(second.told(action, PRODUCER)) for action in ("stand by", "take over")] == [1, 1], second.said
        assert second.told("failed") == [], second.said
        assert [len(first.told(action, PRODUCER)) for action in ("stand by", "take over")] == [1, 1], first.said
        assert len(first.told("failed", f"reason={unreachable(line.address)}")) == len(WORKERS), first.said
