"""Loops and conflicting writes among active workflows."""

from typing import Any

import msgspec
import pytest

from signalbox_rules.analysis import Analysis, analyse
from signalbox_rules.consequences import AnalysedWorkflow
from tests.unit.rules.builders import definition, leaf

CREATED = {"module": "leads", "event": "created"}
UPDATED = {"module": "leads", "event": "updated"}


def change(field: str, value: Any) -> dict[str, Any]:
    return {"type": "change_field", "with": {"field": field, "value": value}}


def workflow(workflow_id: str, trigger: Any, *actions: Any, **more: Any) -> AnalysedWorkflow:
    return AnalysedWorkflow(
        workflow_id, definition(name=workflow_id.upper(), trigger=trigger, actions=list(actions), **more)
    )


def loops(*workflows: AnalysedWorkflow) -> list[list[str]]:
    return [[step.workflow_id for step in loop.path] for loop in analyse(workflows).loops]


def conflicts(*workflows: AnalysedWorkflow) -> list[tuple[str, ...]]:
    return [conflict.workflow_ids for conflict in analyse(workflows).conflicts]


def test_a_workflow_may_start_itself() -> None:
    analysis = analyse([workflow("a", UPDATED, change("priority", "High"))])
    assert [loop.sentence for loop in analysis.loops] == [
        "'A' sets priority to High, which starts 'A' again; reentry: avoid of 'A' ends it when it comes round"
    ]


def test_a_loop_is_told_as_a_path() -> None:
    circle = [
        workflow("a", {**UPDATED, "fields": ["x"]}, change("y", 1), reentry="allow"),
        workflow("b", {**UPDATED, "fields": ["y"]}, change("z", "{{ record.y }}"), reentry="allow"),
        workflow("c", {**UPDATED, "fields": ["z"]}, change("x", "1"), reentry="allow"),
    ]
    found = analyse(circle)
    assert len(found.loops) == 1
    assert found.loops[0].sentence == (
        "'A' sets y to 1, which starts 'B' sets z, which starts 'C' sets x to 1, which starts 'A' again; "
        "only its depth of 10 ends it"
    )
    (of_b,) = analyse(circle, about="b").loops
    assert {step.workflow_id for step in of_b.path} == {"a", "b", "c"}
    assert analyse(circle, about="d") == Analysis((), ())
    assert msgspec.json.encode(found)


@pytest.mark.parametrize(
    "workflows",
    [
        [workflow("a", CREATED, change("x", 1))],
        [workflow("a", {**UPDATED, "fields": ["y"]}, change("x", 1))],
        [workflow("a", UPDATED, change("x", "1"), conditions=leaf("x", "not_equals", "1"))],
        [workflow("a", UPDATED, change("x", "1"), conditions=leaf("x", "changed_to", "2"))],
        [workflow("a", UPDATED, change("x", False), conditions=leaf("x", "is_true"))],
        [workflow("a", UPDATED, change("x", 5), conditions=leaf("x", "less_than", 5))],
        [
            workflow(
                "a", UPDATED, {"type": "send_email", "with": {"to": ["a@b.c"], "subject": "x", "text": "y"}}
            )
        ],
        [workflow("a", {"module": "leads", "event": "stage_changed"}, change("x", 1))],
        [
            workflow(
                "a",
                {"module": "leads", "event": "stage_changed", "to": "New"},
                {"type": "move_stage", "with": {"stage": "Old"}},
            )
        ],
        [
            workflow(
                "a",
                {"module": "tasks", "event": "completed"},
                {"type": "create_task", "with": {"subject": "x"}},
            )
        ],
    ],
)
def test_what_the_documents_rule_out_is_no_loop(workflows: list[AnalysedWorkflow]) -> None:
    assert loops(*workflows) == []


def test_stages_and_created_records_lead_on() -> None:
    task = {"type": "create_task", "with": {"subject": "x"}}
    move = {"type": "move_stage", "with": {"stage": "Closed Won"}}
    assert loops(workflow("a", {"module": "tasks", "event": "created"}, task)) == [["a"]]
    won = workflow("a", {"module": "opportunities", "event": "closed_won"}, move)
    assert loops(won) == [["a"]]
    lost = workflow("a", {"module": "opportunities", "event": "closed_lost"}, move)
    assert loops(lost) == []
    follow = workflow("a", {"module": "opportunities", "event": "updated", "fields": ["stage"]}, move)
    assert loops(follow) == [["a"]]
    assert loops(workflow("a", UPDATED, {"type": "assign_owner", "with": {"owner": "u-1"}})) == [["a"]]


@pytest.mark.parametrize(
    ("event", "value", "is_loop"),
    [
        ("stage_changed", "New", True),
        ("closed_won", "Closed Won", True),
        ("closed_won", "Closed Lost", False),
    ],
)
def test_a_stage_that_is_set_as_a_field_moves_the_stage(event: str, value: str, is_loop: bool) -> None:
    trigger = {"module": "opportunities", "event": event}
    assert loops(workflow("a", trigger, change("stage", value))) == ([["a"]] if is_loop else [])


def test_what_is_set_to_nothing_much_is_told() -> None:
    one, other = workflow("a", CREATED, change("p", False)), workflow("b", CREATED, change("p", 0))
    (conflict,) = analyse([one, other]).conflicts
    assert conflict.sentence.startswith("p of leads: 'A' sets it to false and 'B' sets it to 0, ")


def test_each_circle_is_named_once_and_the_shortest() -> None:
    both = (workflow("a", UPDATED, change("x", 1)), workflow("b", UPDATED, change("y", 1)))
    assert loops(*both) == [["a"], ["b"]]


def test_two_workflows_that_set_a_field_differently_for_one_event() -> None:
    one, other = workflow("a", CREATED, change("p", "High")), workflow("b", CREATED, change("p", "Low"))
    found = analyse([one, other]).conflicts
    (conflict,) = found
    assert conflict.sentence == (
        "p of leads: 'A' sets it to High and 'B' sets it to Low, "
        "for the same event; the later of the two wins"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (workflow("a", CREATED, change("p", "High")), workflow("b", CREATED, change("p", " high"))),
        (workflow("a", CREATED, change("p", "High")), workflow("b", CREATED, change("q", "Low"))),
        (workflow("a", CREATED, change("p", True)), workflow("b", CREATED, change("p", True))),
        (workflow("a", CREATED, change("p", 5)), workflow("b", CREATED, change("p", "5"))),
        (workflow("a", CREATED, change("p", "High")), workflow("b", UPDATED, change("p", "Low"))),
        (
            workflow("a", CREATED, change("p", "High"), conditions=leaf("n", "greater_than", 5)),
            workflow("b", CREATED, change("p", "Low"), conditions=leaf("n", "less_or_equal", 5)),
        ),
        (
            workflow("a", {"module": "leads", "event": "stage_changed", "to": "A"}, change("p", "High")),
            workflow("b", {"module": "leads", "event": "stage_changed", "to": "B"}, change("p", "Low")),
        ),
    ],
)
def test_what_cannot_meet_or_agrees_is_no_conflict(one: AnalysedWorkflow, other: AnalysedWorkflow) -> None:
    assert conflicts(one, other) == []


def test_a_value_that_depends_on_the_record_may_differ() -> None:
    assert conflicts(
        workflow("a", CREATED, change("p", "{{ record.x }}")), workflow("b", CREATED, change("p", "Low"))
    ) == [("a", "b")]
    assert conflicts(
        workflow("a", {"module": "leads", "event": "stage_changed"}, change("p", "High")),
        workflow("b", UPDATED, change("p", "Low")),
    ) == [("a", "b")]


def test_workflows_whose_actions_are_not_valid_are_left_out() -> None:
    assert loops(workflow("a", UPDATED, {"type": "change_field"}, {"type": "send_fax"})) == []


def test_one_workflow_can_be_looked_at_among_many() -> None:
    many = [workflow(f"w{n:04}", CREATED, change("p", str(n))) for n in range(300)]
    found = analyse([*many, workflow("z", UPDATED, change("q", 1))], about="z")
    assert [loop.path[0].workflow_id for loop in found.loops] == ["z"]
    assert found.conflicts == ()
    assert found.complete
    assert {conflict.workflow_ids[1] for conflict in analyse(many[:9], about="w0000").conflicts} == {
        f"w{n:04}" for n in range(1, 9)
    }


def test_many_workflows_are_analysed_in_a_stated_bound() -> None:
    many = [workflow(f"w{n:04}", CREATED, change("p", str(n))) for n in range(300)]
    found = analyse(many)
    assert len(found.conflicts) == 200
    assert not found.complete
