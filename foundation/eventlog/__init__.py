"""The log between the two sides: one port (`port`), the embedded adapter (`embedded`); Kafka joins with the same contract suite.

Only `puente.wiring` names an adapter.
"""
