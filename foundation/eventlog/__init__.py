"""The log between the two sides: one port (`port`), the embedded adapter and that of Kafka, held to one contract suite.

Only `puente.wiring` names an adapter.
"""
