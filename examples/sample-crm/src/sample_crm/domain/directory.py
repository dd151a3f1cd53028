"""What every change is checked against: who the users are, and how the pipelines go."""

from collections.abc import Mapping
from dataclasses import dataclass

from sample_crm.domain.modules import Module, Stage
from sample_crm.errors import Refused


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who works with the CRM."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Users by id; stages in order, by module, for the modules that have a pipeline."""

    users: Mapping[str, User]
    pipelines: Mapping[str, tuple[Stage, ...]]

    def require_user(self, user_id: object, field: str) -> str:
        """`user_id`, if there is such a user. Raises Refused."""
        if not isinstance(user_id, str) or user_id not in self.users:
            raise Refused("unknown-user", f"There is no user {user_id!r}; GET /users lists them.", field)
        return user_id

    def stage(self, module: Module, name: object) -> Stage:
        """The stage of that name in the module's pipeline. Raises Refused."""
        for stage in self._pipeline(module):
            if stage.name == name:
                return stage
        names = ", ".join(stage.name for stage in self._pipeline(module))
        raise Refused(
            "unknown-stage", f"{module.label} have no stage {name!r}; the stages are {names}.", "stage"
        )

    def next_stage(self, module: Module, name: str) -> Stage:
        """The open stage after the one of that name. Raises Refused when it is the last, or closed."""
        open_stages = [stage for stage in self._pipeline(module) if stage.kind == "open"]
        names = [stage.name for stage in open_stages]
        if name not in names or name == names[-1]:
            raise Refused("no-next-stage", f"There is no open stage after {name!r}.", "stage")
        return open_stages[names.index(name) + 1]

    def _pipeline(self, module: Module) -> tuple[Stage, ...]:
        stages = self.pipelines.get(module.name, ())
        if not stages:
            raise Refused("no-stages", f"{module.label} have no pipeline, so nothing there moves.", "stage")
        return stages
