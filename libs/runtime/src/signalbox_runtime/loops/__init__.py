"""The loops: a batch in and a transaction out, lanes, the projection; and what goes through all of them."""
