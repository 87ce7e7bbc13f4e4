"""Puente's consumer as it runs, beside others that write rows from Kafka into Firebird.

rows          the products, in the form that each side reads, and what CAJA must hold of them
side          one of those that are compared: a CAJA, a topic, events, and when they have arrived
puente        `puente consume`, of this checkout or another
debezium      Debezium's JDBC sink in Kafka Connect, of the jars that `connect.pom.xml` names, with the dialect in `FirebirdDialect.java`
executemany   a driver's `executemany`, in a script as somebody writes it: `script`
line, busy    CAJA at the end of a line; neighbours that take all the CPU
guarded       processes that end with the run
used          CPU and memory of a process, and of the server behind it
trial         rounds in turn, each CAJA read back in the end
figures       what they come to, and what is to be reached
report, plot  JSON, a page, pictures
"""
