"""Rows of SAE that no event can hold, as the producer's heartbeat names them, in one line."""

from puente.texts import Text, text, translate
from schemas.control import Word


def unpublished(word: Word) -> Text:
    """`1 row of SAE cannot be published: product MALO (average_cost …)`."""
    listed = "; ".join(f"{translate(row.entity.partition('.')[0])} {row.key} ({row.reason})" for row in word.unpublished)
    more = f" … (+{word.unpublished_count - len(word.unpublished)})" if word.unpublished_count > len(word.unpublished) else ""
    if word.unpublished_count == 1:
        return text("1 row of SAE cannot be published: {listed}", listed=listed)
    return text("{count} rows of SAE cannot be published: {listed}", count=word.unpublished_count, listed=f"{listed}{more}")
