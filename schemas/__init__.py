"""The contract: what crosses the log, in the order data meets it.

entities   the six entities
keys       the business key
changes    a change
avro/      one schema per entity, and the producer's heartbeat (word.avsc, its name when it was first published)
defaults   a schema's defaults as values
codec      change ↔ bytes: Avro (writer, reader), Confluent framing, content hash
parts      some fields of an event, where it is much
fields     fields of an event as bytes, for who makes very many
headers    what an event says about itself
topics     names
registry   schema ids ↔ schemas, kept in a topic of the same log
control    the producer's heartbeat
"""
