"""The whole of Signalbox on one machine, and the signalbox command."""
