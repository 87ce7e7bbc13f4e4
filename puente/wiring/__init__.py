"""Where objects are joined: the only place that names concrete classes of both sides.

opening        settings → connections: the log, SAE, a CAJA held against its profile
one_database   whether two URLs name one database
producing      the producer with its connections; turns: when it may claim the log
consuming      the consumer of one CAJA with its connections

Connections and log handles belong to one thread, so each is made by the worker that uses it, in its first turn, and made again after a
failure: after a new connection nothing that was read before counts.
"""
