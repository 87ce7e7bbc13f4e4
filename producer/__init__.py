"""SAE → log, in the order data meets the files.

tables     which tables and columns of SAE are read
sae        SAE in a snapshot: the port, and SAE through a database; sql_snapshot has its queries
mapping    rows → values; product is the aggregate, with its prices, alternate keys and taxes
contents   all that travels of one snapshot
compare    that against the view
capture    which changes a pass looks at: the port, and the mode `compare`
versions   the mode `record-version`: known (what each table held), affected (rows → keys), schedule (when), faults (what to tell)
limbo      tables with a row that the engine refuses wait, the others go on
view       what the log already holds, known by reading it
publish    changes → events, acknowledged
deletes    very many deletes wait for somebody to let them through
claim      which of several producers writes
poll       one pass, its effects numbered
"""
