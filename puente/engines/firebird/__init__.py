"""Firebird 2.5 and newer, all that knows its dialect and its driver.

client      the client library, and the embedded engine's runtime folder
text        CP1252 inside ISO8859_1
errors      gds codes → Puente's errors
catalogue   tables, columns and keys out of RDB$
connection  engine, connection, transactions
versions    which transaction wrote a row
keys        all keys of a table, packed
privileges  what the user may do
packed      many rows in one EXECUTE BLOCK
"""
