"""The shell of a service's process: settings, logs, health, signals, watchdog."""
