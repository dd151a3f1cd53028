"""The `signalbox` command: one file per command group, put together in `main`."""
