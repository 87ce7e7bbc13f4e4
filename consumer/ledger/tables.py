"""The ledger's tables inside the CAJA database, so that what was applied and how far commit together.

PUENTE_LEASE      one row: which CAJA this is, which process may write, and its heartbeat
PUENTE_POSITIONS  per topic, how far it was applied, the event read last, and what the last resync left to be done
PUENTE_ROWS       per key, what was applied: state, hash of the event's content, hash of the row, the quantity of stock
PUENTE_PARKED     per key, the newest change that could not be applied yet, and why
PUENTE_LEFT_OUT   per key, what its row in CAJA lacks of what SAE holds, and why
"""

import sqlalchemy as sa

from schemas.keys import KEY_WIDTH

VERSION, OLDEST = 4, 2
"""`puente setup` gives a ledger of version `OLDEST` or later what it lacks; an older one is made anew: a resync fills both."""


NO_WAREHOUSE = 0
"""What stands in WAREHOUSE for every entity but stock."""


ROWS = "PUENTE_ROWS"


SHORT_VALUE = 1000
"""Bytes of an event that wait in their row; longer ones are large objects, each of which costs several round trips to be read.

(Reading them by a cast is no way out: Firebird 2.5 then turns every unprintable byte into a dot.) A tombstone has neither.
"""


metadata = sa.MetaData(info={"charset": "ISO8859_1"})
"""Its texts are the bytes of CP1252, whatever character set the database makes tables in."""


lease = sa.Table(
    "PUENTE_LEASE",
    metadata,
    sa.Column("ID", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("LEDGER_VERSION", sa.Integer, nullable=False),
    sa.Column("CAJA", sa.String(60), nullable=False),
    sa.Column("FENCING_TOKEN", sa.String(32)),
    sa.Column("HEARTBEAT", sa.BigInteger, nullable=False),
    sa.Column("HOST", sa.String(64)),
    sa.Column("PROCESS", sa.Integer),
    sa.Column("PROCESS_STARTED", sa.BigInteger),
    sa.Column("BOOT", sa.String(64)),
    sa.Column("READY_AT", sa.DateTime),
    sa.Column("LAST_ERROR", sa.String(500)),
    sa.Column("LAST_ERROR_AT", sa.DateTime),
    sa.Column("HEARTBEAT_AT", sa.DateTime),
)


positions = sa.Table(
    "PUENTE_POSITIONS",
    metadata,
    sa.Column("TOPIC", sa.String(120), primary_key=True),
    sa.Column("TOPIC_ID", sa.String(40), nullable=False),
    sa.Column("NEXT_OFFSET", sa.BigInteger, nullable=False),
    sa.Column("LAST_OFFSET", sa.BigInteger),
    sa.Column("LAST_DIGEST", sa.String(16)),
    sa.Column("APPLIED_AT", sa.DateTime, nullable=False),
    sa.Column("END_REACHED", sa.DateTime, nullable=False),
    sa.Column("STATE", sa.String(20)),
    sa.Column("FINGERPRINT", sa.String(16), nullable=False),
    sa.Column("SWEEP_CONTROL_ID", sa.String(40)),
    sa.Column("SWEEP_AFTER", sa.BigInteger),
    sa.Column("SWEEP_HELD", sa.Integer),
)


rows = sa.Table(
    ROWS,
    metadata,
    sa.Column("ENTITY", sa.String(12), primary_key=True),
    sa.Column("WAREHOUSE", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ROW_KEY", sa.String(KEY_WIDTH), primary_key=True),
    sa.Column("STATE", sa.String(8)),
    sa.Column("CONTENT_HASH", sa.String(16)),
    sa.Column("ROW_HASH", sa.String(16)),
    sa.Column("QUANTITY", sa.DOUBLE_PRECISION),
)


parked = sa.Table(
    "PUENTE_PARKED",
    metadata,
    sa.Column("ENTITY", sa.String(12), primary_key=True),
    sa.Column("WAREHOUSE", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ROW_KEY", sa.String(KEY_WIDTH), primary_key=True),
    sa.Column("REASON", sa.String(16), nullable=False),
    sa.Column("DETAIL", sa.String(500), nullable=False),
    sa.Column("SHORT_VALUE", sa.VARBINARY(SHORT_VALUE)),
    sa.Column("LONG_VALUE", sa.LargeBinary),
    sa.Column("CONTENT_HASH", sa.String(16), nullable=False),
    sa.Column("SINCE", sa.DateTime, nullable=False),
)


left_out = sa.Table(
    "PUENTE_LEFT_OUT",
    metadata,
    sa.Column("ENTITY", sa.String(12), primary_key=True),
    sa.Column("WAREHOUSE", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("ROW_KEY", sa.String(KEY_WIDTH), primary_key=True),
    sa.Column("REASON", sa.String(16), primary_key=True),
    sa.Column("COLUMN_NAME", sa.String(63), primary_key=True),
)
