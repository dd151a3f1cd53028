"""The actions of workflows: what each takes, writes and would send. Their execution is the action runner's."""
