"""The actions of workflows: what each takes, writes and would send. The action runner executes them."""
