"""Log → CAJA, in the order data meets the files.

policies   what the owner of a CAJA decided, and what follows for one change
entries    the parts that a profile is made of
sources    the fields of the events that it may draw from
profile    how an event maps to CAJA's tables: data, checked against the database's own catalogue
mapping    event → row
subscribe  which topics, which stores
batch      events → what is to be written: the newest of each key, nothing that the ledger has
ledger     the consumer's tables inside CAJA
caja       one CAJA: the port, and the adapter through SQLAlchemy
waiting    what was set aside, and when it is tried again
guard      one writer per CAJA
outcome    what one transaction wrote and what it set aside
consume    the steps, numbered
"""
