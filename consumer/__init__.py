"""Log → CAJA, in the order data meets the files.

policies     what the owner of a CAJA decided, and what follows for one change
entries      the parts that a profile is made of
sources      the fields of the events that it may draw from
profile      how an event maps to CAJA's tables: data, checked against the database's own catalogue
mapping      event → row, cell by cell (cells), with a note of all that it lacks; fingerprint says when rows must be looked at again
leftout      what rows lack of what SAE holds, for the ledger and for people; lacking counts it
price_lists  which of SAE's lists there are, against those that a site names
subscribe    which topics, which stores
follow       the topics, on from the ledger's position, or by a resync
tombstones   how long the log keeps them
resync       one topic from its start, each key once against the real row
batch        events → what is to be written: the newest of each key, nothing that the ledger has
apply        that into CAJA, one transaction, then the memory; outcome is what it wrote and what it set aside
ledger       the consumer's tables inside CAJA; ledger_rows their rows
adopt        a ledger that begins again: what it knew of stock
caja         one CAJA: the port; sql_caja the adapter; parameters what CAJA itself knows; sales what SAE does not have yet;
             spelling how it writes SAE's keys; interface what that forbids
waiting      what was set aside, and when it is tried again; parked tells it
settle       what is left to do: the sweep (sweep, and word: the producer's) and stock that drifted (drift)
codes        a bar code belongs to one row that is in use
guard        one writer per CAJA
consume      the steps, numbered
preview      what a resync would change, read only
"""
