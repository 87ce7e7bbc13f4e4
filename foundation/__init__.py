"""What stands below all: it knows neither SAE nor CAJA.

errors     the tree of errors: a class says what the program does next
texts      texts for users, in Spanish and English; their catalogue is in `locale`
limits     how long others are waited for
pinned     libraries of which only one series will do
silence    when another process counts as gone
retry      one policy for everything that is tried again
once       a property that is computed once for each object
generated  functions whose source the program writes itself
packed     very many keys in little memory
engines    the door to databases; Firebird behind it
eventlog   the log between the two sides: the port, the embedded log and Kafka behind it
"""
