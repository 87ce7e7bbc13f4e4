"""A property that is computed once for each object.

`functools.cached_property` of Python 3.11 holds one lock for all objects of a class while it computes one: a CAJA whose server hangs would
keep the threads of all others waiting.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 - a decorator, which reads like `property`
    """Two threads that ask the same object at the same time may both compute it."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, _owner: type | None = None) -> "once[Value]": ...

    @overload
    def __get__(self, instance: object, _owner: type | None = None) -> Value: ...

    def __get__(self, instance: object, _owner: type | None = None) -> "Value | once[Value]":
        if instance is None:
            return self
        value = self._compute(instance)
        instance.__dict__[self._name] = value  # which is found first from now on
        return value
