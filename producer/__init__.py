"""SAE → log, in the order data meets the files.

sae/       SAE's rows and what becomes of them
  tables     which tables and columns are read
  port       SAE in a snapshot: the port, and SAE through a database; sql has its queries
  company    which companies a database holds
  values     rows → values; product is the aggregate, with its prices, alternate keys (grouped) and taxes
  contents   all that travels of one snapshot
  identity   what SAE holds that tells which SAE it is
  limbo      tables with a row that the engine refuses wait, the others go on
capture/   which rows a pass looks at
  port            the port of the modes
  comparison      SAE against the log index: differences, tombstones among them
  compare         the mode `compare`
  record_version  the mode `record-version`: known (what each table held; raw_keys), affected (rows → keys), marks
                  (what counts until the next pass)
  schedule        when a table is read; faults: rows that are not as they should be
index       what the log already holds, known by reading it
packed      very many keys in little memory
progress    how far a long pass is
publish     changes → events, acknowledged
losses      what a change of one key takes away from the tills, by kind
former      what the log held before, read where that may be very much
mass_change very much at once waits for a person to let it through
recognition which SAE the log holds: another one, or one much older, waits for a person
claim       which of several producers writes
poll        one pass, its effects numbered
"""
