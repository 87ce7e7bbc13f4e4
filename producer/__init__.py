"""SAE → log, in the order data meets the files.

sae/       SAE's rows and what becomes of them
  tables     which tables and columns are read
  port       SAE in a snapshot: the port, and SAE through a database; sql has its queries
  mapping    rows → values; product is the aggregate, with its prices, alternate keys and taxes
  contents   all that travels of one snapshot
  limbo      tables with a row that the engine refuses wait, the others go on
capture/   which rows a pass looks at
  port       the port, and the mode `compare`; compare holds SAE against the log index
  versions   the mode `record-version`: known (what each table held), affected (rows → keys), schedule (when), faults (what to tell)
index      what the log already holds, known by reading it
publish    changes → events, acknowledged
deletes    very many deletes wait for somebody to let them through
claim      which of several producers writes
poll       one pass, its effects numbered
"""
