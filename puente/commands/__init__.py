"""What each command does, by its name; `cli` shows it.

check         what is wrong and what to do: databases, check_identity (the SAE of the log?), check_log; privileges and kafka_rights
setup         topics and ledgers
grants        scripts for the rights that are needed and no more; kafka_grants for a broker
run           producer and consumers; progress tells of their work
resync        one CAJA against the whole log
status        how all of it is; heartbeat hears the producer
logcopy       one log to another
"""
