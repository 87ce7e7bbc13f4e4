"""A property that is computed once for each object, whatever other threads compute."""

import threading

from foundation.once import once


class Asked:
    def __init__(self, *, answers: threading.Event | None = None) -> None:
        self.answers, self.times, self.began = answers, 0, threading.Event()

    @once
    def answer(self) -> int:
        """What it is."""
        self.began.set()
        if self.answers is not None:
            self.answers.wait(30)
        self.times += 1
        return self.times


def test_each_object_computes_it_once() -> None:
    one, other = Asked(), Asked()
    assert [one.answer, one.answer, other.answer] == [1, 1, 1]
    assert (one.times, other.times) == (1, 1)
    assert Asked.answer.__doc__ == "What it is."


def test_an_object_that_hangs_keeps_no_other_waiting() -> None:
    """`functools.cached_property` of Python 3.11 would: the second thread waits for the first."""
    answers = threading.Event()
    hangs, well = Asked(answers=answers), Asked()
    first = threading.Thread(target=lambda: hangs.answer)
    first.start()
    try:
        assert hangs.began.wait(30)
        second = threading.Thread(target=lambda: well.answer, daemon=True)
        second.start()
        second.join(20)
        assert well.times == 1
    finally:
        answers.set()
        first.join()
