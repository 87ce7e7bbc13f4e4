"""What rows of another table say of products, very many: prices by list, alternate keys. Pure."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from foundation.packed import PackedKeys

Name = TypeVar("Name")
Value = TypeVar("Value")


class Grouped(Generic[Name, Value]):
    """What rows of another table say of products: of each some values by name. Several may share the products' keys."""

    def __init__(self, products: PackedKeys | None = None) -> None:
        self._products = PackedKeys() if products is None else products
        self._names: list[tuple[Name, ...]] = []
        self._values: list[tuple[Value, ...]] = []
        """By the place of a product, both; one that has none may lack or have an empty one."""
        self._shared: dict[tuple[Name, ...], tuple[Name, ...]] = {}
        """Products mostly have the same numbers: one tuple serves them all."""

    def begin(self, product: str, names: tuple[Name, ...], values: tuple[Value, ...]) -> bool:
        """All at once; False, and nothing is taken, where the product has some already or a name comes twice."""
        if len(names) > 1 and len(set(names)) < len(names):
            return False
        place, known = self._place(product), self._names
        if known[place]:
            return False
        known[place], self._values[place] = self._share(names), values
        return True

    def has(self, product: str, name: Name) -> bool:
        return name in self._names[self._place(product)]

    def set(self, product: str, name: Name, value: Value) -> None:
        place = self._place(product)
        names, values = self._names[place], self._values[place]
        at = names.index(name) if name in names else len(names)
        self._values[place] = (*values[:at], value, *values[at + 1 :])
        if at == len(names):
            self._names[place] = self._share((*names, name))

    def of(self, product: str) -> Iterable[tuple[Name, Value]]:
        """In no order."""
        place = self._products.place(product.encode())
        return () if place is None or place >= len(self._names) else zip(self._names[place], self._values[place], strict=True)

    def _place(self, product: str) -> int:
        place, known = self._products.add(product.encode()), self._names
        while place >= len(known):
            known.append(())
            self._values.append(())
        return place

    def _share(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        return self._shared.setdefault(names, names) if isinstance(names[-1], int) else names
