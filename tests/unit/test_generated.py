"""Generated source: what it may hold, and what the two places that write some make of a row."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from foundation.engines.firebird import fetch
from foundation.generated import function


def test_it_is_a_function_of_its_argument_and_of_the_names_it_is_given() -> None:
    assert function("v", "(twice(v), len(x := v), x)", {"twice": lambda value: value * 2})("ab") == ("abab", 2, "ab")


@pytest.mark.parametrize("expression", ["other(v)", "v.__subclasses__()", "v._hidden", "lost + v"])
def test_a_name_that_nobody_gave_or_a_hidden_attribute_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="is no name of"):
        function("v", expression, {})


def test_several_threads_may_make_functions_at_once() -> None:
    """With the module `ast` of Python 3.11 some of them would fail: SystemError, "AST constructor recursion depth mismatch"."""

    def make(_: int) -> int:
        return sum(function("v", f"(v, {', '.join(map(str, range(60)))})[1]", {})(0) for _ in range(200))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(make, range(16))) == [0] * 16


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(SyntaxError):
        function("v", "v; import os", {})


def test_a_row_of_firebird_is_one_expression() -> None:
    text, number = fetch._Column(0, 12, "H8s"), fetch._Column(16, 24, "d")
    source = "None if t[2] else (x.decode() if (x := t[1][:t[0]]).isascii() else other(x)), None if t[4] else t[3], "
    assert fetch._source((text, number), {0: 0, 12: 2, 16: 3, 24: 4}) == source
    _, make = fetch._shape((text, number))
    assert make((3, b"abc     ", 0, 1.5, 0)) == ("abc", 1.5)
    assert make((3, b"abc     ", -1, 1.5, -1)) == (None, None)
