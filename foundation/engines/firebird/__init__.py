"""Firebird 2.5 and newer, all that knows its dialect and its driver.

client      the client library, and the embedded engine's runtime folder
text        CP1252 inside ISO8859_1
codes       gds codes by Firebird's own names
errors      gds codes → Puente's errors
catalogue   tables, columns and keys out of RDB$
create      a new database
connection  engine, connection, transactions
fetch       rows of a query, each taken apart at once
versions    which transaction wrote a row
keys        some columns of a table, packed by the server
privileges  what the user may do
packed      many rows in one EXECUTE BLOCK
write       the rows of a plan by it, and what became of each
insert      new rows of any length, in one as well
silence     a host that vanished is noticed
lost        giving up a connection whose server is gone
threads     what the driver lets threads share, and must not
messages    what it reads in the wrong encoding
"""
