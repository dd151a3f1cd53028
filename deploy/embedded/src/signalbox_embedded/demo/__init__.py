"""The story that `signalbox demo` tells: real events, and each effect read back from where it landed."""
