"""From an administrator who runs the commands of `puente grants kafka` to a site that works; what its users may not do; and what happens
where a right is missing."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import AuthorizationError

from foundation.errors import ConfigError, ExitCode
from foundation.eventlog.port import START, EventLog, Offset, Record, Topic, TopicSettings
from puente.commands.kafka_grants import ADMINISTRATOR, PRODUCER
from puente.config import load
from puente.wiring.opening import open_log
from tests.e2e.running import Running
from tests.e2e.small_site import TWO, SmallSite, build, wait_until
from tests.engines.embedded import EmbeddedDatabases
from tests.engines.guarded_kafka import GuardedBroker

pytestmark = pytest.mark.e2e
CENTRO, NORTE = "puente-centro", "puente-norte"
USERS = (PRODUCER, CENTRO, NORTE, ADMINISTRATOR)


@dataclass(frozen=True)
class Guarded:
    """A site whose users exist. Each place has settings of its own: `producer`, `centro`, `norte`, and `all`, the administrator's."""

    site: SmallSite
    broker: GuardedBroker
    prefix: str
    passwords: dict[str, str]

    def topic(self, name: str) -> Topic:
        return Topic(f"{self.prefix}.01.{name}")

    def puente(self, place: str, *arguments: str) -> str:
        """What a command says that goes well."""
        done = self.site.puente(*arguments, "-c", f"{place}.toml")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def check(self, place: str) -> tuple[int, str]:
        done = self.site.puente("check", "-c", f"{place}.toml")
        return done.returncode, done.stdout + done.stderr

    def log(self, place: str) -> "closing[EventLog]":
        return closing(open_log(load(self.site.folder / f"{place}.toml")))

    def write(self, place: str, user: str, *blocks: str, company: str = "auto") -> None:
        log = self.broker.log_settings(self.prefix, user, self.passwords[user])
        text = "\n".join([f'company = "{company}"', *blocks, *log])
        (self.site.folder / f"{place}.toml").write_text(text, encoding="utf-8")


def blocks_of(site: SmallSite) -> dict[str, str]:
    """The parts of the settings, by what they are about."""
    sae, *cajas = site.settings.read_text(encoding="utf-8").split("[[caja]]")
    return {"sae": sae, **{spec.name: f"[[caja]]{block}" for spec, block in zip(TWO, cajas, strict=True)}}


@pytest.fixture(scope="module")
def printed(guarded_kafka: GuardedBroker, tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    """Databases and settings; nobody has made a user on the broker yet, and the settings name none."""
    folder = tmp_path_factory.mktemp("rights")
    site = build(folder / "site", EmbeddedDatabases(folder).url, is_set_up=False)
    guarded = Guarded(site, guarded_kafka, f"t{secrets.token_hex(4)}", {user: secrets.token_hex(8) for user in USERS})
    log = f'[log]\nkind = "kafka"\nbootstrap_servers = "{guarded_kafka.servers}"\nprefix = "{guarded.prefix}"\n'
    site.write_settings(f"{site.settings.read_text(encoding='utf-8')}\n{log}")
    return guarded


@pytest.fixture(scope="module")
def guarded(printed: Guarded) -> Guarded:
    """The administrator ran the commands, those of one CAJA twice, and set all up; everything was carried once."""
    site = printed.site
    for words in ((), ("--caja", "norte")):
        made = site.puente("grants", "kafka", *words, "-o", "kafka.sh", "--lang", "es")
        assert made.returncode == 0, made.stderr
        done = printed.broker.run(site.folder / "kafka.sh", printed.passwords)
        assert done.returncode == 0, done.stdout + done.stderr
    blocks = blocks_of(site)
    printed.write("all", ADMINISTRATOR, *blocks_without_log(blocks))
    printed.write("producer", PRODUCER, blocks["sae"])
    printed.write("centro", CENTRO, without_log(blocks["centro"]))
    printed.write("norte", NORTE, without_log(blocks["norte"]))
    printed.puente("all", "setup", "--yes")
    printed.puente("producer", "produce", "--once")
    for name in ("centro", "norte"):
        printed.puente(name, "consume", "--caja", name, "--once")
    return printed


def without_log(block: str) -> str:
    return block.partition("[log]")[0]


def blocks_without_log(blocks: dict[str, str]) -> Iterator[str]:
    return map(without_log, blocks.values())


def test_the_commands_that_an_administrator_runs_are_enough_for_everything(guarded: Guarded) -> None:
    assert guarded.site.differences() == []
    for place in ("producer", "centro", "norte", "all"):
        code, said = guarded.check(place)
        assert code == 0, said
        assert ("this user of Kafka may do what is done from here" in said) is (place != "all"), said
        assert "Nothing to do" in guarded.puente(place, "setup", "--yes")
    # And the tools for lag see each branch
    with guarded.broker.client() as client:
        for name in ("centro", "norte"):
            told = client.list_group_offsets([f"{guarded.prefix}.01.{name}"])[f"{guarded.prefix}.01.{name}"]
            assert TopicPartition(guarded.topic("product_line"), 0) in told


# refusals


def refused(action: Callable[[], object], *words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        action()
    for word in words:
        assert word in str(raised.value)
    assert "puente grants kafka" in str(raised.value)


def test_a_branch_sees_and_reads_its_own_topics_and_no_others(guarded: Guarded) -> None:
    with guarded.log("norte") as log:
        assert {topic.removeprefix(guarded.prefix) for topic in log.topics()} == {
            *(f".01.{name}" for name in ("control", "product_line", "tax_scheme", "currency", "product", "customer", "stock.3")),
            ".schemas",
        }
        for warehouse in (1, 2):
            refused(lambda: log.read(guarded.topic(f"stock.{warehouse}"), START), f"stock.{warehouse}", "Describe")  # noqa: B023
        refused(lambda: log.topics([guarded.topic("stock.3"), guarded.topic("stock.1")]), "stock.1", "Describe")


@pytest.mark.parametrize("place", ["centro", "norte"])
def test_a_branch_may_not_write_nor_make_any_topic_nor_speak_for_another(guarded: Guarded, place: str) -> None:
    other = {"centro": "norte", "norte": "centro"}[place]
    with guarded.log(place) as log:
        for topic in log.topics():
            refused(lambda: log.append([Record(topic=topic, key=b"k", value=b"v")]), topic, "Write")  # noqa: B023
        refused(lambda: log.create({guarded.topic("stock.77"): TopicSettings()}), "stock.77", "Describe")
        refused(
            lambda: log.commit_offsets(f"{guarded.prefix}.01.{other}", {guarded.topic("product"): Offset(0)}),
            f"group {guarded.prefix}.01.{other}",
        )


def test_a_producer_and_a_branch_may_not_delete_or_alter_topics_nor_make_others_rights(guarded: Guarded) -> None:
    topic = guarded.topic("product")
    altered = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"delete.retention.ms": "1"})
    for user in (PRODUCER, CENTRO):
        with guarded.broker.client(user, guarded.passwords[user]) as client:
            assert_denied(lambda: client.delete_topics([topic]))
            assert "TopicAuthorizationFailed" in str(client.alter_configs([altered]))
            assert_denied(lambda: client.create_partitions({topic: 2}))
    with guarded.log("producer") as log:
        assert guarded.topic("product") in log.topics()
        foreign = Topic(f"{guarded.prefix}.02.product")
        refused(lambda: log.create({foreign: TopicSettings()}), foreign)
        refused(lambda: log.commit_offsets(f"{guarded.prefix}.01.centro", {topic: Offset(0)}), "centro", "Read")
        assert log.settings(topic) == TopicSettings()
        assert log.committed_offsets(f"{guarded.prefix}.01.centro").keys() >= {guarded.topic("customer")}


def test_an_administrator_of_puente_mends_its_topics_and_touches_no_others(guarded: Guarded) -> None:
    other = f"{guarded.prefix}x.01.product"
    with guarded.broker.client() as client:
        client.create_topics([NewTopic(other, 1, 1)])
    mine = guarded.topic("stock.99")
    with guarded.broker.client(ADMINISTRATOR, guarded.passwords[ADMINISTRATOR]) as client:
        client.create_topics([NewTopic(mine, 1, 1)])
        wait_until(lambda: mine in client.list_topics())  # the broker hears of it a moment after the controller
        done = client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, mine, configs={"delete.retention.ms": "1"})])
        assert done["topic"] == {mine: "OK"}
        client.delete_topics([mine])
        assert_denied(lambda: client.delete_topics([other]))


def assert_denied(action: Callable[[], object]) -> None:
    with pytest.raises(AuthorizationError):
        action()


# rights that lack


def rename(guarded: Guarded, name: str) -> str:
    """An edit of every line of SAE's catalogue, which a CAJA shows once it has arrived."""
    guarded.site.sql(f"UPDATE CLIN01 SET DESC_LIN = '{name}'")
    guarded.puente("producer", "produce", "--once")
    return name


def has(guarded: Guarded, caja: str, name: str) -> bool:
    return guarded.site.caja_rows(caja, f"COUNT(*) FROM CATLINEA WHERE DESCRIPCIO <> '{name}' AND ALTA = 'T'") == [(0,)]


@pytest.mark.parametrize("operation", ["DESCRIBE", "READ"])
def test_check_lists_what_a_branch_lacks_by_topic_and_names_the_command_that_mends_it(guarded: Guarded, operation: str) -> None:
    topics = [guarded.topic("product"), guarded.topic("stock.3")]
    broker = guarded.broker
    with broker.without(NORTE, operation, "topic", topics[0]), broker.without(NORTE, operation, "topic", topics[1]):
        code, said = guarded.check("norte")
        consumed = guarded.site.puente("consume", "--caja", "norte", "--once", "-c", "norte.toml")
    assert code == ExitCode.CONFIG
    assert f"to serve norte, this user of Kafka lacks Read on the topics {', '.join(topics)}: " in said, said
    assert "puente grants kafka --caja norte prints" in said
    assert "setup makes them" not in said
    assert consumed.returncode == ExitCode.CONFIG
    named = ", ".join(topics) if operation == "DESCRIBE" else topics[0]
    assert f"lacks {operation.capitalize()} on the topic {named}; puente grants kafka prints" in consumed.stderr


def test_check_lists_what_a_producer_lacks_also_for_topics_that_are_not_there_yet(guarded: Guarded) -> None:
    product, new = guarded.topic("product"), Topic(f"{guarded.prefix}.02.product")
    broker = guarded.broker
    with broker.without(PRODUCER, "WRITE", "topic", product), broker.without(PRODUCER, "CREATE", "topic", guarded.topic("customer")):
        code, said = guarded.check("producer")
    assert code == ExitCode.CONFIG
    assert f"to produce, this user of Kafka lacks Write on the topics {product}; Create on the topics {guarded.topic('customer')}: " in said
    # And a company that its user was not made for
    guarded.write("other", PRODUCER, without_log(blocks_of(guarded.site)["sae"]), company="02")
    with guarded.log("other") as log:
        refused(lambda: log.create({new: TopicSettings()}), new)


def test_a_user_who_sees_no_topic_is_told_so_and_not_that_there_are_none(guarded: Guarded) -> None:
    registry, control = f"{guarded.prefix}.schemas", guarded.topic("control")
    with guarded.broker.without(NORTE, "DESCRIBE", "topic", registry), guarded.broker.without(NORTE, "DESCRIBE", "topic", control):
        code, said = guarded.check("norte")
        assert code == ExitCode.CONFIG
        assert f"lacks Describe on the topic {registry}" in said
        assert "setup makes them" not in said
    with guarded.broker.without(NORTE, "DESCRIBE", "topic", control):
        code, said = guarded.check("norte")
        assert code == ExitCode.DOWN
        assert "set company to its two digits" in said
        guarded.write("named", NORTE, without_log(blocks_of(guarded.site)["norte"]), company="01")
        code, said = guarded.check("named")
        assert code == ExitCode.CONFIG
        assert f"lacks Read on the topics {control}" in said


def test_without_the_right_to_see_how_topics_are_kept_there_is_a_warning_that_names_it_and_all_else_works(guarded: Guarded) -> None:
    topic = guarded.topic("customer")
    for user, place in ((CENTRO, "centro"), (PRODUCER, "producer")):
        with guarded.broker.without(user, "DESCRIBE_CONFIGS", "topic", topic):
            code, said = guarded.check(place)
            with guarded.log(place) as log:
                assert log.settings(topic) is None
        assert code == 0, said
        assert f"lacks DescribeConfigs on the topics {topic}: " in said


def test_a_group_that_may_not_be_read_holds_up_no_edit_and_is_told_once(guarded: Guarded) -> None:
    group = f"{guarded.prefix}.01.centro"
    with guarded.broker.without(CENTRO, "READ", "group", group):
        code, said = guarded.check("centro")
        assert code == 0, said
        assert f"lacks Read on the group {group}: " in said
        name = rename(guarded, "sin grupo")
        guarded.puente("centro", "consume", "--caja", "centro", "--once")
        assert has(guarded, "centro", name)
        consumer = Running(guarded.site, "consume", "--caja", "centro", "-c", "centro.toml")
        wait_until(lambda: bool(consumer.told("no note", f"Read on the group {group}")))
        for number in range(3):
            name = rename(guarded, f"otra {number}")
            wait_until(lambda: has(guarded, "centro", name))  # noqa: B023 - runs at once
        consumer.ends_cleanly()
    assert len(consumer.told("no note")) == 1, consumer.said
    assert consumer.told("failed") == []


def test_rights_that_are_taken_away_while_it_runs_are_told_and_all_goes_on_once_they_are_back(guarded: Guarded) -> None:
    topic = guarded.topic("product_line")
    runs = {
        PRODUCER: Running(guarded.site, "produce", "-c", "producer.toml"),
        CENTRO: Running(guarded.site, "consume", "--caja", "centro", "-c", "centro.toml"),
    }
    wait_until(lambda: bool(runs[CENTRO].told("claim")))
    for user, operation in ((PRODUCER, "WRITE"), (CENTRO, "READ")):
        with guarded.broker.without(user, operation, "topic", topic):
            guarded.site.sql(f"UPDATE CLIN01 SET DESC_LIN = 'sin {operation}'")
            lacks = f"lacks {operation.capitalize()} on the topic {topic}"
            wait_until(lambda: bool(runs[user].told("failed", lacks)), 100)  # noqa: B023 - runs at once
        wait_until(lambda: has(guarded, "centro", f"sin {operation}"), 100)  # noqa: B023 - runs at once
    for run in runs.values():
        assert len(run.told("failed")) == len(run.told("recovered")) == 1, run.said
        run.ends()
    guarded.puente("norte", "consume", "--caja", "norte", "--once")
    assert guarded.site.differences() == []
