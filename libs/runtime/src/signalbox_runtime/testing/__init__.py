"""For tests of services: Kafka in memory, and the behaviour suite that holds it to the real one."""
