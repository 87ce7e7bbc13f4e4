"""`puente init`: settings by asking, or all from options."""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from pydantic import ValidationError

from foundation.engines import check_url
from foundation.errors import ConfigError, ExitCode
from foundation.texts import text, translate
from puente.cli.private import write_private
from puente.commands.grants import READER, WRITER
from puente.config import DEFAULT_FILE, CajaSettings, load
from puente.config.problems import problems
from puente.config.writing import Database, Draft, needs_password, url_of, with_password

SERVERS = re.compile(r"[^\s:/\\,]{2,}:\d{1,5}(\s*,\s*[^\s:/\\,]{2,}:\d{1,5})*")
LITERAL = re.compile(r"://[^@/]*:(?!\$\{\w+\}@)[^@]*@")
VARIABLES = {"sae": "SAE_PASSWORD", "caja": "CAJA_PASSWORD"}


def commands() -> list[click.Command]:
    @click.command(
        "init",
        help=translate(
            "Writes the settings: asks for what is needed, or takes it from the options. A database is named by a URL, or by the path that "
            "its server sees: HOST:C:\\Aspel\\…\\SAE90EMPRE01.FDB.\n\n"
            "No password is written into the settings: it is taken from an environment variable, or what you type goes into a file that "
            "only you can read."
        ),
    )
    @click.option("--sae-url", metavar="URL", help=translate("SAE's database: a URL, or HOST:PATH."))
    @click.option("--no-sae", is_flag=True, help=translate("SAE is not reached from here: this place only consumes."))
    @click.option("--company", metavar="NN", help=translate("The two digits that SAE's tables end in; else found."))
    @click.option("--log", type=click.Path(dir_okay=False), help=translate("The log's file, where all of Puente runs on one machine."))
    @click.option("--kafka", metavar="HOST:PORT", help=translate("The log on Kafka, for several machines."))
    @click.option("--kafka-user", metavar="NAME", help=translate("Its user there, with SASL_SSL; the password is in KAFKA_PASSWORD."))
    @click.option(
        "--caja", "cajas", metavar="NAME=URL", multiple=True, help=translate("A CAJA and its database; may be given several times.")
    )
    @click.option(
        "-o",
        "--output",
        type=click.Path(dir_okay=False, path_type=Path),
        default=DEFAULT_FILE,
        show_default=True,
        help=translate("The file to write."),
    )
    @click.option("--force", is_flag=True, help=translate("Write over a file that is there."))
    def init(output: Path, force: bool, sae_url: str | None, cajas: Sequence[str], **told: Any) -> int:
        asking = Asking(folder=output.parent, force=force)
        _refuse_existing(output, force=force)
        return _write(_draft(asking, sae_url, cajas, **told), asking, output)

    return [init]


@dataclass(kw_only=True)
class Asking:
    """The one at the terminal, if there is one; `secrets` are files to be written, by name."""

    folder: Path
    force: bool
    secrets: dict[str, str] = field(default_factory=dict)
    asked: bool = False

    def may(self, option: str) -> None:
        """Raises `ConfigError`, which names the option, where there is nobody to ask."""
        if not sys.stdin.isatty():
            raise ConfigError(text("{option} is missing, and there is no terminal to ask at", option=option))
        self.asked = True

    def line(self, question: str, default: str = "", check: Callable[[str], object] = str) -> str:
        """Asks until the answer passes."""
        while True:
            answer: str = click.prompt(question, default=default, show_default=bool(default)).strip()
            try:
                if answer:
                    check(answer)
            except ConfigError as error:
                click.echo(f"  {error}", err=True)
            else:
                return answer

    def database(self, typed: str, user: str, variable: str, file: str) -> Database:
        """Its user and password, which go into a file beside the settings, or stay in a variable."""
        url = url_of(typed, user)
        if "://" not in typed:
            url = url_of(typed, self.line(translate("Its user"), default=user))
        if LITERAL.search(url):
            return self._secret(url, file)
        if not needs_password(url):
            return _checked(url)
        question = text("Its password (Enter: it is taken from the variable {variable})", variable=variable)
        password = click.prompt(str(question), default="", show_default=False, hide_input=True)
        if not password:
            return _checked(with_password(url, f"${{{variable}}}"))
        return self._secret(with_password(url, quote(password, safe="")), file)

    def _secret(self, url: str, file: str) -> Database:
        while file in self.secrets:  # of another CAJA whose name gives the same
            file = f"x-{file}"
        _refuse_existing(self.folder / file, force=self.force)
        self.secrets[file] = url
        return Database(url_file=file)


def _draft(
    asking: Asking,
    sae_url: str | None,
    cajas: Sequence[str],
    *,
    no_sae: bool,
    company: str | None,
    log: str | None,
    kafka: str | None,
    kafka_user: str | None,
) -> Draft:
    sae = _from_option(sae_url, READER, VARIABLES["sae"]) if sae_url else None if no_sae else _ask_sae(asking)
    if company is None:
        company = asking.line(translate("SAE's company: two digits, or auto"), default="auto", check=_company) if asking.asked else "auto"
    if log is None and kafka is None and asking.asked:
        log = asking.line(translate("The log: a file on this machine, or Kafka's HOST:PORT"), default=Draft.log)
        log, kafka = (None, log) if SERVERS.fullmatch(log) else (log, None)
        if kafka is not None and kafka_user is None:
            kafka_user = asking.line(translate("Its user on Kafka (Enter: none)")) or None
    made = [_named(each) for each in cajas]
    if not made and (kafka is None or sae is None or asking.asked):
        made = _ask_cajas(asking)
    return Draft(company=company, sae=sae, log=log or Draft.log, kafka=kafka, kafka_user=kafka_user, cajas=made)


def _ask_sae(asking: Asking) -> Database | None:
    asking.may("--sae-url (--no-sae)")
    typed = asking.line(translate("SAE's database, HOST:PATH or a URL (Enter: SAE is not reached from here)"), check=_database)
    return asking.database(typed, READER.lower(), VARIABLES["sae"], "sae-url.txt") if typed else None


def _ask_cajas(asking: Asking) -> list[tuple[str, Database]]:
    asking.may("--caja")
    made: list[tuple[str, Database]] = []
    while name := asking.line(translate("Name of a CAJA (Enter: no more)"), check=lambda answer: _name(answer, dict(made))):
        typed = ""
        while not typed:
            typed = asking.line(translate("Its database, HOST:PATH or a URL"), check=_database)
        made.append((name, asking.database(typed, WRITER.lower(), VARIABLES["caja"], f"{_file_name(name)}-url.txt")))
    return made


def _from_option(typed: str, user: str, variable: str) -> Database:
    if LITERAL.search(typed):
        raise ConfigError(
            text("A password in an option stays in the shell's history: leave it out, it is taken from ${{{variable}}}", variable=variable)
        )
    url = url_of(typed, user.lower())
    return _checked(with_password(url, f"${{{variable}}}") if needs_password(url) else url)


def _named(option: str) -> tuple[str, Database]:
    name, equals, typed = option.partition("=")
    if not (equals and name.strip() and typed.strip()):
        raise ConfigError(text("--caja is written NAME=URL, or NAME=HOST:PATH"))
    return name.strip(), _from_option(typed, WRITER, VARIABLES["caja"])


def _checked(url: str) -> Database:
    check_url(re.sub(r"\$\{\w+\}", "x", url))
    return Database(url=url)


def _database(typed: str) -> None:
    check_url(re.sub(r"\$\{\w+\}", "x", url_of(typed, READER)))


def _company(answer: str) -> None:
    if not re.fullmatch(r"auto|\d\d", answer):
        raise ConfigError(text('must be "auto" or two digits such as "01"'))


def _name(answer: str, others: Mapping[str, Database]) -> None:
    if answer in others:
        raise ConfigError(text("another CAJA above has this name"))
    try:
        CajaSettings.model_validate({"name": answer, "url": ""})
    except ValidationError as error:
        raise ConfigError(next(problems(error, {}))[1]) from error


def _file_name(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name).strip("-").lower() or "caja"


def _refuse_existing(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise ConfigError(text("{path} is there already; --force writes over it", path=path))


def _write(draft: Draft, asking: Asking, output: Path) -> int:
    """The file takes its place once it was read without a fault; a variable that is not set yet has a stand-in for that."""
    content = "\n".join([*draft.lines(), ""])
    unset = {name: "x" for name in re.findall(r"\$\{(\w+)\}", content) if name != "NAME" and name not in os.environ}
    for file, secret in asking.secrets.items():
        write_private(asking.folder / file, f"{secret}\n")
    made = output.with_name(f".{output.name}.new")
    try:
        made.write_text(content, encoding="utf-8")
        load(made, {**os.environ, **unset})
        made.replace(output)
    except OSError as error:
        raise ConfigError(text("The file {path} cannot be written: {reason}", path=output, reason=error.strerror)) from error
    finally:
        made.unlink(missing_ok=True)
    _show_next_steps(output, sorted(asking.secrets), list(unset))
    return int(ExitCode.OK)


def _show_next_steps(output: Path, secrets: Sequence[str], unset: Sequence[str]) -> None:
    click.echo(text("Written: {files}", files=", ".join([str(output), *secrets])))
    for name in unset:
        way = f"set {name}=…" if os.name == "nt" else f"export {name}=…"
        click.echo(text("A password is still to be set: {way}", way=way))
    there = "" if output == Path(DEFAULT_FILE) else f" -c {output}"
    click.echo(text("Next: puente check{options}; where the two users are missing, puente grants says how they are made", options=there))
