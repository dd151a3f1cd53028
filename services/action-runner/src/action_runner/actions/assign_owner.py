"""Assign Owner: the CRM gives the record to a user; whose turn it is in a round robin is settled here."""

from action_runner.actions.action import CommandAction, CommandContent, Job, Surroundings


def _content(job: Job, surroundings: Surroundings) -> CommandContent:
    owners = job.parameters.get("round_robin")
    if owners is None:
        return CommandContent(job.parameters)
    turn = surroundings.rotation.take_turn(job.token, owners)
    return CommandContent({"owner": turn.owner}, (turn.header,))


ASSIGN_OWNER = CommandAction("assign_owner", _content)
