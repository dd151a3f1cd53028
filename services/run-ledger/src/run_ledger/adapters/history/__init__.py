"""The tables of the history and their partitions."""
