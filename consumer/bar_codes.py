"""A bar code belongs to one row that is in use.

Where SAE deleted a product, gave its code to another, and policy keeps the row of the first, CAJA would have two rows with one code, at two
prices. The code is taken from the row that SAE lacks; that it lacks it is told as all that is left out.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from consumer.apply import Applier
from consumer.batch import Planner
from consumer.caja.port import Caja, CodeInRow
from consumer.ledger.state import TOMBSTONE, UNSEEN
from consumer.leftout import LISTED, Cause, Note, Notes, ordered
from foundation.engines.errors import LockConflict
from schemas.entities import Entity, Subject
from schemas.keys import Key

PRODUCT = Subject(Entity.PRODUCT)

log = logging.getLogger("puente.consumer")


class Codes:
    """Belongs to one session."""

    def __init__(self, name: str, caja: Caja, planner: Planner, applier: Applier) -> None:
        self._name, self._caja, self._applier = name, caja, applier
        self._is_asked = PRODUCT.entity in planner.policies.entities
        self._kept: dict[str, list[CodeInRow]] | None = None
        """Codes of rows that are in use and that SAE lacks; None where they must be read."""

    def settle(self) -> None:
        """Once all products were read: what they changed since the last time is looked at."""
        written, self._applier.written_codes = self._applier.written_codes, {}
        if not self._is_asked:
            return
        if self._kept is None or None in written.values():
            self._free(self._read())
            return
        for key in written:  # SAE has it again
            self._kept = {code: others for code, held in self._kept.items() if (others := [one for one in held if one.key != key])}
        codes = {code for of_row in written.values() for code in of_row or ()}
        self._free([one for code in codes & self._kept.keys() for one in self._kept[code]])

    def _read(self) -> list[CodeInRow]:
        """All of them; returns those that another row has, too."""
        self._kept = {}
        hashes = self._applier.state.hashes.get(PRODUCT, {})
        gone = {key for key, content in hashes.items() if content in (TOMBSTONE, UNSEEN)}
        if not gone:
            return []
        in_use: set[str] = set()
        for one in self._caja.codes():
            if one.key in gone:
                self._kept.setdefault(one.code, []).append(one)
            else:
                in_use.add(one.code)
        return [one for code in in_use & self._kept.keys() for one in self._kept[code]]

    def _free(self, found: Sequence[CodeInRow]) -> None:
        if not found:
            return
        lacking = self._lacking(found)
        try:
            with self._applier.writing() as transaction:
                transaction.free_codes(found)
                transaction.leave_out(lacking, [place for place in lacking if place in self._applier.state.left_out])
        except LockConflict:  # a till has one of the rows
            self._kept = None
            return
        self._applier.state.left_out.update(lacking)
        self._kept = None
        keys = ", ".join(sorted({one.key for one in found})[:LISTED])
        extra = {"action": "codes freed", "caja": self._name, "count": len(found), "keys": keys}
        log.warning("SAE gave bar codes of products that it deleted to others: they are taken from the rows that are kept", extra=extra)

    def _lacking(self, found: Iterable[CodeInRow]) -> Mapping[tuple[Subject, Key], Notes]:
        notes: dict[tuple[Subject, Key], Notes] = {}
        for one in found:
            place = (PRODUCT, one.key)
            before = notes.get(place, self._applier.state.left_out.get(place, ()))
            notes[place] = ordered([*before, Note(Cause.GIVEN_AWAY, one.column)])
        return notes
