"""The second of the two loops: records of one key in order, each answered by an asynchronous executor."""
