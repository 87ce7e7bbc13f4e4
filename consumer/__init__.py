"""Log → CAJA, in the order data meets the files.

consume      the steps, numbered
session      from a take-over until the lease or a connection is lost
assignment   one CAJA, and what it takes to serve it
policies     what the owner of a CAJA decided
subscribe    which topics, which stores
follow       the topics, on from the ledger's position (partway: after a part of a read), or by a resync
resync/      one topic against CAJA's real rows
  topic        from its start, each key once
  equal        CAJA's rows that need no write
  sweep        what CAJA has and the log does not
  retention    how long the log keeps tombstones
  preview      what a resync would change: the same steps on an imagined CAJA, nothing is written
batch        events → what is to be written: the newest of each key, nothing that the ledger has
mapping/     how an event becomes a row
  profile      data, checked against the database's own catalogue; parts it is made of, sources it may draw from
  mapper       event → row, cell by cell (cells), with a note of all that it lacks
  action       what is done with the row, by policy: a tombstone makes it inactive, or leaves it
  fingerprint  when rows must be looked at again
profiles/    the profiles that come with Puente
leftout      what rows lack of what SAE holds, for the ledger and for people; leftout_counts counts it
known_lists  which of SAE's lists there are, against those that a site names
apply        rows into CAJA, one transaction, then the memory
pace         how many rows a transaction writes
batch_writer which rows go in and which are parked, and why (no stock over unposted sales); what the ledger keeps of that
ledger/      the consumer's tables inside CAJA (tables, rows), and what they say: state, parked, lease_row
  applied      what was applied of very many keys, in little memory
  making       a ledger that is made, brought to this version or begun anew
  adopt        a ledger that begins again: what it knew of stock
caja/        one CAJA
  port         what is asked of it; sql is the adapter, transaction what it writes, opening what it does first
  parameters   what CAJA itself knows; sales what SAE does not have yet; spelling how it writes SAE's keys
switches     what CAJA's own switches forbid
retries      what is parked, and when it is tried again; parked_log logs it (the reasons: ledger/parked)
settle       what is left to do: the sweep, and stock that drifted (drift)
heartbeats   what the producer says of the log and of SAE
bar_codes    a bar code belongs to one row that is in use
lease        one writer per CAJA
"""
