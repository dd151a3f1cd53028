"""The messages, topics, identifiers and definitions that Signalbox's services share."""
