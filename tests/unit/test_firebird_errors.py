"""What Firebird's errors become."""

from firebird.driver import DatabaseError

from foundation.engines.errors import LockConflict, RowInLimbo
from foundation.engines.firebird.codes import Gds
from foundation.engines.firebird.errors import translate

LOCKED = "lock conflict on no wait transaction"


def test_a_row_in_limbo_is_no_lock_though_firebird_2_5_calls_it_one() -> None:
    """It names both, the lock first. A lock passes by itself; a row in limbo waits for an administrator."""
    codes = (Gds.LOCK_CONFLICT, Gds.REC_IN_LIMBO)
    error = translate(DatabaseError(f"{LOCKED}\n-record from transaction 31 is stuck in limbo", gds_codes=codes), "SAE")
    assert isinstance(error, RowInLimbo)
    assert error.transaction == 31
    assert "gfix -rollback 31" in str(error)
    assert isinstance(translate(DatabaseError(LOCKED, gds_codes=codes[:1]), "SAE"), LockConflict)
