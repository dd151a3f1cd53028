"""`If-Match`: of two editors, the second is shown what the first one made of the draft."""

from signalbox_runtime.http.problems import Problem
from workflow_api.domain.workflow import Document, Workflow


def check_if_match(
    workflow: Workflow, if_match: str | None, current: Document | None, yours: Document | None
) -> None:
    """Raises 428 without `If-Match` and 412 when the draft is not the one that the caller saw."""
    if if_match is None:
        raise Problem(
            428,
            "if-match-required",
            "If-Match is missing",
            "Send If-Match with the ETag of the GET that you edited, or * to overwrite whatever is there.",
        )
    tags = {tag.strip().removeprefix("W/") for tag in if_match.split(",")}
    if "*" not in tags and workflow.etag not in tags:
        raise Problem(
            412,
            "changed-meanwhile",
            "Somebody else changed it in the meantime",
            f"{workflow.updated_by} changed it at {workflow.updated_at.isoformat()}. Compare `current` with "
            f"`yours`, then send what you want with If-Match: {workflow.etag}.",
            headers={"ETag": workflow.etag},
            more={"current": current, "current_etag": workflow.etag, "yours": yours},
        )
