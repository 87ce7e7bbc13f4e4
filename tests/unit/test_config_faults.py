"""Settings that are wrong: each fault in our own words, with its line, a mark under it, and what to write instead; no secret on screen."""

import codecs
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation import texts
from foundation.errors import ConfigError
from puente.config import load

SECRET = "s3cr3t"
URL = f"firebird+firebird://lector:{SECRET}@erp:3050/C:"
CAJA = '[[caja]]\nname = "centro"\nurl = "firebird+firebird://a/x"\n'


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    texts.use("en")


def fault(tmp_path: Path, content: str | bytes, **environment: str) -> str:
    file = tmp_path / "puente.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        load(file, environment)
    said = str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return said


# What is no TOML


@pytest.mark.parametrize(
    ("content", "line", "mark", "words"),
    [
        (f'[sae]\nurl = "{URL}\\Aspel\\x.FDB"\n', 2, "\\Aspel", 'with slashes: "C:/Aspel/…"'),
        ('[log]\npath = "C:\\Users\\x"\n', 2, "\\Users", "with slashes"),
        ("company = 01\n", 1, "01", 'write company = "01"'),
        ('[log]\nkind = kafka\npath = "x"\n', 2, "kafka", 'write kind = "kafka"'),
        ("[[caja]]\ninterface_required = sí\n", 2, "sí", "write interface_required = true"),
        ("[[caja]]\ninterface_required = False\n", 2, "False", "write interface_required = false"),
        ("[sae]\npoll_seconds = 1,5\n", 2, "1,5", "poll_seconds = 1.5"),
        (f"[sae]\nurl = {URL}/x\n", 2, "firebird", 'url = "…"'),
        ('[caja]\nname = "a"\n[caja]\nname = "b"\n', 3, "[caja]", "[[caja]]"),
        ('[[caja]]\nname = "a"\n[caja]\nname = "b"\n', 3, "[caja]", "[[caja]]"),
        ('[log]\npath = "x"\n[sae]\n[log]\n', 4, "[log]", "stands in line 1 already"),
        ('company = "01"\n\ncompany = "02"\n', 3, "company", "is set in line 1 already"),
        ("[[caja]\nname = 1\n", 1, "", "a bracket is missing"),
        ("[sae\npoll_seconds = 1\n", 1, "", "a bracket is missing"),
        ("[[caja]]\nname = “centro”\n", 2, "“centro”", "straight ones"),
        ("[[caja]]\nname = ‘centro’\n", 2, "‘centro’", "straight ones"),
        ('[[caja]]\nname = "centro\nstock = "off"\n', 2, "", "a quote is missing"),
        ('[[caja]]\nname = centro"\n', 2, "", "a quote is missing"),
        (f'[sae]\nurl = "{URL}/x\npoll_seconds = 2\n', 2, "", "a quote is missing"),
        (f"[[caja]]\nname = 'centro\nurl = '{URL}/x'\n", 2, "", "a quote is missing"),
        ('[log]\npath\xa0= "x"\n', 2, "\xa0", "a blank that is none"),
        ('[log]\npath = "x" ; the log\n', 2, "; the log", "only a comment"),
        ("; the log\n[log]\n", 1, "; the log", "a comment begins with #"),
        ("// the log\n[log]\n", 1, "// the log", "a comment begins with #"),
        ("[log]\npath =\n", 2, "", "the value is missing"),
        ('[log]\npath : "x"\n', 2, ': "x"', "name = value"),
        ('[log]\npath "x"\n', 2, ' "x"', "name = value"),
        ('compañía = "01"\n', 1, "compañía", "did you mean company?"),
        ('la empresa = "01"\n', 1, "la empresa", "no accents and no blanks"),
        ("[[caja]]\nstores = [01, 2]\n", 2, "01", "does not begin with 0"),
        ("[[caja]]\nstores = [1 2]\n", 2, "2]", "bracket ] is missing"),
        ("[[caja]]\nprices = { PRECIOP = 1\n", 2, "", "bracket } is missing"),
        ("= 3\n", 1, "= 3", "not written as settings are"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line_a_mark_under_it_and_what_to_write(
    tmp_path: Path, content: str, line: int, mark: str, words: str
) -> None:
    said = fault(tmp_path, content)
    told, shown, marked = said.split("\n")[1:]
    assert f"line {line}: " in told
    assert words in told
    assert shown.startswith(f"    {line} | ")
    assert shown[marked.index("^") :].startswith(mark or "")
    assert mark or marked.index("^") == len(shown)


@pytest.mark.parametrize(
    "line",
    [
        f'url = "{URL}/x',
        f"url = {URL}/x",
        f'url = "firebird+firebird://lector:{SECRET}/x',
        f"url = lector:{SECRET}",
        f"url {SECRET}",
        f'password = "{SECRET}',
        f"password = {SECRET}",
        f"password : {SECRET}",
        f"contraseña = {SECRET}",
        f"clave = '{SECRET}",
        f'log = {{ kind = "kafka", password = "{SECRET}" x }}',
        f'sae = {{ url = "{URL}/x" "y" }}',
        f'url = """\n{SECRET}\\q"""',
        f"caja = [{{ password = '{SECRET}', url = '{URL}' ",
    ],
)
def test_a_line_is_shown_without_its_secret_wherever_the_fault_is(tmp_path: Path, line: str) -> None:
    assert "^" in fault(tmp_path, f"{line}\n")


def test_a_user_and_a_variable_are_no_secret(tmp_path: Path) -> None:
    assert "//lector:${SAE_PASSWORD}@erp:3050/C:\\x" in fault(
        tmp_path, 'url = "firebird+firebird://lector:${SAE_PASSWORD}@erp:3050/C:\\x"\n'
    )
    assert "//erp:3050/C:\\x" in fault(tmp_path, 'url = "firebird+firebird://erp:3050/C:\\x"\n')


def test_a_parsers_english_is_never_shown(tmp_path: Path) -> None:
    texts.use("es")
    said = fault(tmp_path, 'company = 01\n[log]\npath = "x"\n')
    assert said.split("\n")[1:] == ['  renglón 1: escriba company = "01", entre comillas', "    1 | company = 01", "                  ^"]


# What kind of file it is


def test_a_file_in_ansi_says_how_to_save_it_and_shows_the_line(tmp_path: Path) -> None:
    said = fault(tmp_path, 'company = "01"\n[[caja]]\nname = "Peñón"\n'.encode("cp1252"))
    assert "line 3: The file is not in UTF-8" in said
    assert "Notepad" in said
    shown, marked = said.split("\n")[2:]
    assert shown == '    3 | name = "Peñón"'
    assert shown[marked.index("^")] == "ñ"


def test_a_secret_in_ansi_is_not_shown(tmp_path: Path) -> None:
    assert "***" in fault(tmp_path, f'[sae]\nurl = "firebird+firebird://lector:ñ{SECRET}@erp/x"\n'.encode("cp1252"))


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + 'company = "03" # ñ\r\n'.encode(),
        codecs.BOM_UTF16_LE + 'company = "03" # ñ\r\n'.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + 'company = "03" # ñ\r\n'.encode("utf-16-be"),
    ],
)
def test_a_file_that_says_how_it_is_encoded_is_read(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "puente.toml"
    file.write_bytes(content)
    assert load(file, {}).company == "03"


def test_utf_16_that_does_not_say_so_is_refused_with_what_to_do(tmp_path: Path) -> None:
    assert "save it as UTF-8" in fault(tmp_path, 'company = "03"\n'.encode("utf-16-le"))


def test_a_file_of_a_secret_may_be_utf_16_and_one_in_ansi_says_how_to_save_it(tmp_path: Path) -> None:
    secret = tmp_path / "centro.url"
    secret.write_bytes(codecs.BOM_UTF16_LE + "firebird+firebird://a:b@c/x\r\n".encode("utf-16-le"))
    (tmp_path / "puente.toml").write_text('[[caja]]\nname = "a"\nurl_file = "centro.url"\n', encoding="utf-8")
    assert load(tmp_path / "puente.toml", {}).caja[0].address == "firebird+firebird://a:b@c/x"
    secret.write_bytes(f"firebird+firebird://a:ñ{SECRET}@c/x".encode("cp1252"))
    assert "centro.url is not in UTF-8" in fault(tmp_path, '[[caja]]\nname = "a"\nurl_file = "centro.url"\n')


# What no setting may be


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('empresa = "01"\n', 1, "empresa: is no setting; did you mean company?"),
        ('compny = "01"\n', 1, "did you mean company?"),
        ("company = 1\n", 1, 'company: must be "auto" or two digits such as "01"'),
        ('[log]\nkind = "Kafka"\n', 2, "log.kind: must be one of embedded, kafka; did you mean kafka?"),
        ('[log]\nkind = "pigeon"\n', 2, "log.kind: must be one of embedded, kafka"),
        ('[log]\nbootstrap_servers = "a:1"\n', 2, 'log.bootstrap_servers: belongs to a log of kind = "kafka"'),
        ('[log]\npath = "C:\\temp\\new"\n', 2, 'write a path with slashes, "C:/temp/new"'),
        ('[sae]\nurl = "firebird+firebird://a/x"\ncompany = "01"\n', 3, "company belongs to the top of the file"),
        ('[sae]\nurl = "firebird+firebird://a/x"\nempresa = "01"\n', 3, "company belongs to the top of the file"),
        ("[log]\npoll_seconds = 3\n", 2, "poll_seconds belongs below [sae]"),
        (f'{CAJA}stores = ["Tienda 1"]\n', 4, 'CAJA centro, stores: must be "all" or the numbers of stores'),
        (f"{CAJA}almacen = 1\n", 4, "CAJA centro, almacen: is no setting here; warehouse belongs below [[caja.store]]"),
        (f'{CAJA}entities = ["producto"]\n', 4, "customer; did you mean product?"),
        (f'{CAJA}stock = "Guarded"\n', 4, "CAJA centro, stock: must be one of off, guarded, overwrite; did you mean guarded?"),
        (f'{CAJA}[[caja.store]]\nnumber = 1\nalmacén2 = 3\n"almacén" = 3\n', 6, "the name of a setting has no accents"),
        (f"{CAJA}[[caja.store]]\nnumber = 1\nalmacen = 3\nwarehouse = 3\n", 6, "did you mean warehouse?"),
        (f"{CAJA}{CAJA.replace('//a/', '//b/')}", 5, "CAJA centro, name: another CAJA above has this name"),
        ('[caja]\nname = "a"\n', 1, "[[caja]]"),
        ('company = "01"\n[[sae]]\n', 2, "below the heading [sae], with one bracket"),
        ('[[caja]]\nurl = "firebird+firebird://a/x"\n', 1, "CAJA 1, name: is missing"),
        ("[sae]\npoll_seconds = 0\n", 2, "must be more than 0"),
        ("[sae]\npoll_seconds = true\n", 2, "must be a number"),
        ("[sae]\nreconcile_seconds = inf\n", 2, "must be a number"),
        ("[sae]\nreconcile_seconds = nan\n", 2, "must be a number"),
        ("[run]\nlog_files = true\n", 2, "must be a number"),
        ('[log]\nkind = "kafka"\nbootstrap_servers = "k:9092"\nreplication_factor = true\n', 4, "must be a number"),
        (f"{CAJA}prices = {{ PRECIOP = true }}\n", 4, "prices: must say which list of SAE feeds which column"),
        (f"{CAJA}stores = [true]\n", 4, 'stores: must be "all" or the numbers of stores'),
        (f"{CAJA}[[caja.store]]\nnumber = true\nwarehouse = 3\n", 5, "must be a number"),
    ],
)
def test_a_setting_that_is_wrong_is_named_as_people_say_it_with_its_line_and_what_it_may_be(
    tmp_path: Path, content: str, line: int, words: str
) -> None:
    said = fault(tmp_path, content).split("\n")
    told = next(each for each in said if words in each)
    assert f"line {line}" in told
    assert said[said.index(told) + 1].startswith(f"    {line} | ")


def test_each_fault_has_a_line_of_its_own_in_the_order_of_the_file(tmp_path: Path) -> None:
    said = fault(tmp_path, f'empresa = "01"\n{CAJA}stock = "x"\nmore = 1\n[sae]\nurl = "firebird+firebird://b/x"\nscan_share = 2\n')
    assert [each.split(",")[0].strip() for each in said.split("\n") if ": " in each] == ["line 1", "line 5", "line 6", "line 9"]


def test_a_setting_may_stand_in_an_inline_table_or_a_dotted_key(tmp_path: Path) -> None:
    assert "line 2, log.prefix" in fault(tmp_path, '\nlog.prefix = "a.b"\n')
    assert "line 2, log.prefix" in fault(tmp_path, '\nlog = { prefix = "a.b" }\n')


@pytest.mark.parametrize("name", ["Sucursal № 2", "店", "a\\u0001b", "a\\u200bb"])
def test_a_name_that_caja_cannot_hold_is_refused_with_the_character(tmp_path: Path, name: str) -> None:
    said = fault(tmp_path, CAJA.replace("centro", name))
    assert "name: " in said
    assert "№" in said or "CP1252" in said or "cannot be seen" in said


def test_names_with_accents_are_kept_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "puente.toml").write_text(CAJA.replace("centro", "Peñón “2” €"), encoding="utf-8")
    assert load(tmp_path / "puente.toml", {}).caja[0].name == "Peñón “2” €"
    assert "blank" in fault(tmp_path, CAJA.replace("centro", "centro "))


# Two names for one database


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("erp/C:/Aspel/CAJA.FDB", "a:b@ERP:3050/c:\\\\aspel\\\\caja.fdb"),
        ("erp//srv/caja.fdb", "erp:3050//srv/caja.fdb?role=x"),
        ("localhost/caja", "127.0.0.1:3050/caja"),
        ("//srv/x/caja.fdb", "u@//srv/x/../x/caja.fdb"),
    ],
)
def test_two_cajas_on_one_database_are_refused_with_the_line_of_the_second(tmp_path: Path, one: str, other: str) -> None:
    url = 'url = "firebird+firebird://{}"\n'
    said = fault(tmp_path, f'[[caja]]\nname = "a"\n{url.format(one)}[[caja]]\nname = "b"\n{url.format(other)}')
    assert "line 6, CAJA b, url: this is the database of CAJA a" in said


def test_sae_and_a_caja_on_one_database_are_refused(tmp_path: Path) -> None:
    said = fault(tmp_path, f'[sae]\nurl = "firebird+firebird://lector@a:3050/x"\n{CAJA}')
    assert "CAJA centro, url: this is the database of SAE" in said


def test_cajas_of_one_path_on_two_servers_are_two(tmp_path: Path) -> None:
    (tmp_path / "puente.toml").write_text(CAJA + CAJA.replace("centro", "norte").replace("//a/", "//b/"), encoding="utf-8")
    assert len(load(tmp_path / "puente.toml", {}).caja) == 2


# Passwords


@pytest.mark.parametrize(
    "password", [f"{SECRET}@x", f"{SECRET}#x", f"{SECRET}/x", f"{SECRET}:x", f"{SECRET}%x", f"{SECRET}?x", f"{SECRET} x", f"{SECRET}@a/b"]
)
def test_a_password_with_a_character_that_means_something_else_is_told_how_to_be_written(tmp_path: Path, password: str) -> None:
    said = fault(tmp_path, f'[sae]\nurl = "firebird+firebird://lector:{password}@erp:3050/C:/x"\n')
    assert "@ = %40" in said
    (tmp_path / "sae.url").write_text(f"firebird+firebird://lector:{password}@erp:3050/C:/x", encoding="utf-8")
    assert "@ = %40" in fault(tmp_path, '[sae]\nurl_file = "sae.url"\n')


def test_such_a_password_is_taken_as_it_is_from_a_variable(tmp_path: Path) -> None:
    (tmp_path / "puente.toml").write_text('[sae]\nurl = "firebird+firebird://lector:${P}@erp:3050/C:/x"\n', encoding="utf-8")
    settings = load(tmp_path / "puente.toml", {"P": "a@b:c/d#e?f%g ñ"})
    assert settings.sae is not None
    assert "a%40b%3Ac%2Fd%23e%3Ff%25g%20%C3%B1@" in settings.sae.address


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("firebird+firebird://lector:%SAE_PASSWORD%@erp/x", "${NAME}, not %NAME%"),
        ("firebird+firebird://lector:%CAJA_PASSWORD%@erp/x", "${NAME}, not %NAME%"),
        (f"firebird+firebird://lector;{SECRET}@erp/x", "a colon stands between"),
        (f"firebird+firebird://lector:{SECRET}/x", "no database URL"),
        (f"lector:{SECRET}@erp/x", "no database URL"),
        ("pigeon://erp/x", "no engine for …"),
        ("mssql+pyodbc://erp/x", "no engine for mssql+pyodbc"),
        (f"firebird+firebird://lector:{SECRET}@erp:3050\\\\C:\\\\x", "a slash, not a backslash"),
        (f"firebird+firebird://lector:{SECRET}@C:/Aspel/x.fdb", "a slash before its drive"),
        (f"firebird+firebird://lector:{SECRET}@erp:3050", "no database URL"),
    ],
)
def test_a_url_that_is_none_is_told_what_to_write(tmp_path: Path, url: str, words: str) -> None:
    assert words in fault(tmp_path, f'[sae]\nurl = "{url}"\n')


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "SAE_PASSWORD is empty"), ("  ", "is empty"), (f"{SECRET} ", "ends with a blank"), (f'"{SECRET}"', "holds quotes")],
)
def test_a_variable_that_cannot_be_meant_is_named(tmp_path: Path, value: str, words: str) -> None:
    said = fault(tmp_path, '[sae]\nurl = "firebird+firebird://lector:${SAE_PASSWORD}@erp/x"\n', SAE_PASSWORD=value)
    assert words in said
    assert "SAE_PASSWORD" in said


def test_a_password_of_the_log_that_is_written_as_a_variable_of_another_system_is_told(tmp_path: Path) -> None:
    for way in ("%KAFKA_PASSWORD%", "$KAFKA_PASSWORD", "$env:KAFKA_PASSWORD"):
        assert "${NAME}" in fault(tmp_path, f'[log]\nkind = "kafka"\npassword = "{way}"\n', KAFKA_PASSWORD=SECRET)


def test_a_secret_that_is_set_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "sae.url").write_text("firebird+firebird://erp/x", encoding="utf-8")
    assert "url and url_file are both set" in fault(tmp_path, '[sae]\nurl = "firebird+firebird://erp/x"\nurl_file = "sae.url"\n')
