"""The commands of `puente`, and those that pages name."""

import re
import shlex
from collections.abc import Iterator

import click

from foundation.texts import use
from puente.cli.main import build
from tests.docs.pages import blocks, inline

_OPERATORS = re.compile(r"^[|&;<>]+$")


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    """Every command that can be called, by its words."""
    found = {} if isinstance(command, click.Group) and not command.invoke_without_command else {path: command}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found |= leaves(inner, (*path, name))
    return found


use("en")
COMMANDS = {path: command for path, command in leaves(build()).items() if path}


def lines(text: str) -> Iterator[list[str]]:
    """Every line that a reader is to type, by its words, up to the first pipe or redirection; and every command within the prose."""
    for block in blocks(text):
        if block.language in {"sh", ""}:
            here_document = False
            for line in block.code.splitlines():
                if here_document:
                    here_document = line.strip() != "SQL"
                    continue
                here_document = "<<'SQL'" in line
                yield from (words for words in commands_of(line) if words)
    for code in inline(text):
        if re.match(r"(puente|make|docker) ", code):
            yield from commands_of(code)


def commands_of(line: str) -> list[list[str]]:
    """One list of words for each command that `&&`, `||` or `;` join; what goes into a pipe or a file is left out."""
    lexer = shlex.shlex(line, posix="\\Scripts" not in line, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    is_skipped = False
    for word in lexer:
        if _OPERATORS.match(word):
            is_skipped = word not in {"&&", "||", ";"}
            if not is_skipped:
                found.append([])
        elif not is_skipped:
            found[-1].append(word)
    return found


def of_puente(words: list[str]) -> list[str] | None:
    """What follows `puente` where a line calls it, in a container or not."""
    if words[:2] == ["docker", "build"]:
        return None
    for place, word in enumerate(words):
        if re.fullmatch(r"(.*[\\/])?puente", word):
            return words[place + 1 :]
    return None


def parse(words: list[str]) -> str | None:
    """What is wrong with these words behind `puente`, or None. A group alone, as in `puente grants`, is named as such."""
    command: click.Command = build()
    context = click.Context(command, info_name="puente")
    words = list(words)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        if inner is None:
            return f"no command {words[0]}"
        command, context = inner, click.Context(inner, info_name=words.pop(0), parent=context)
    try:
        _, left, _ = command.make_parser(context).parse_args(words)
    except click.UsageError as error:
        return error.format_message()
    takes = sum(isinstance(parameter, click.Argument) for parameter in command.params)
    return None if len(left) <= takes else f"too many words: {left}"
