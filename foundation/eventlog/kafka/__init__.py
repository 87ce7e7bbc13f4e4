"""The log on Apache Kafka, for more than one machine: `log` is the adapter, `client` the requests beneath it."""
