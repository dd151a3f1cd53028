"""The guide's workflow is one that can be published."""

import re
from pathlib import Path

import yaml

from signalbox_rules.validation import validate_document

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "writing-a-workflow.md"


def test_the_workflow_of_the_guide_has_no_problems() -> None:
    (source,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    definition, problems = validate_document(yaml.safe_load(source), None)
    assert problems == []
    assert definition is not None
