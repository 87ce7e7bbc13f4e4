"""Firebird 2.5 and newer, all that knows its dialect and its driver.

client         the client library, and the embedded engine's runtime folder
attach         the driver's connection; silence on its line is noticed (keepalive)
maintenance    a database that its administrator has shut is left alone
connection     one database: its connection, transactions, statements
transaction    what is read and written in one
active         which transactions run
limit          a call that takes too long is ended; lost gives up a connection whose server is gone
text           CP1252 inside ISO8859_1
errors         gds codes (codes has Firebird's names of them) → Puente's errors; messages in the wrong encoding
catalogue      tables, columns and keys out of RDB$
create, alter  a new database, tables, columns
fetch          rows of a query, each taken apart at once
survey_by_sql  which transaction wrote a row, from Firebird 3 on
survey_by_blr  the same on 2.5
keys           some columns of a table, packed by the server
privileges     what the user may do
statements     those that stay prepared
packed         many rows in one EXECUTE BLOCK: how they stand in its parameters (packing), and what it does before (opening)
write          the rows of a plan by it, and what became of each
writers        ending a connection that keeps rows locked and does nothing
insert         new rows of any length, in one as well
threads        what the driver lets threads share, and must not
"""
