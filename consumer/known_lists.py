"""SAE's price lists, as the producer's heartbeat tells them, against those that a site's `prices` names: a branch does not reach SAE."""

from collections.abc import Collection, Mapping

from foundation.errors import ConfigError
from foundation.texts import text


def refuse_unknown(prices: Mapping[str, int], lists: Collection[int] | None, caja: str) -> None:
    """Raises `ConfigError` where `prices` names a list that SAE does not have; nothing in `lists` where nobody has told them yet."""
    unknown = sorted(set(prices.values()).difference(lists)) if lists else []
    if unknown:
        raise ConfigError(
            text(
                "{caja}: prices names lists that SAE does not have ({lists}); SAE has: {known}",
                caja=caja,
                lists=", ".join(map(str, unknown)),
                known=", ".join(map(str, sorted(lists or ()))),
            )
        )
