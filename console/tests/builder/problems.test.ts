import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/features/catalog";
import { localProblems } from "../../src/features/builder/model/checks";
import { insertStep, moveStep, setPath, setSetting } from "../../src/features/builder/model/edits";
import { mergeProblems, placeProblem } from "../../src/features/builder/model/problems";
import { catalog } from "../catalog";
import { branching } from "./documents";

const error = (pointer: string) => ({ pointer, detail: "is wrong", severity: "error" as const });

describe("a pointer leads to", () => {
  it.each([
    ["/actions/0/with/subject", "mail-1", "with/subject"],
    ["/actions/1/with/paths/0/actions/1/with/due_in", "large-2", "with/due_in"],
    ["/actions/1/with/paths/1/when/field", "size", "with/paths/1/when/field"],
    ["/actions/1/with/otherwise/0/with/outcome", "end", "with/outcome"],
    ["/actions/9/with", "workflow", "actions/9/with"],
    ["/conditions/all/0/value", "conditions", "all/0/value"],
    ["/trigger", "trigger", ""],
    ["/name", "workflow", "name"],
  ])("%s", (pointer, card, field) => {
    expect(placeProblem(branching(), error(pointer))).toMatchObject({ card, field });
  });
});

describe("a server's problem", () => {
  it("is hidden while its field differs from what was checked", () => {
    const doc = branching();
    setSetting(doc, "mail-1", "subject", "New");
    const server = [error("/actions/0/with/subject"), error("/actions/0/with/text")];
    expect(mergeProblems(doc, [], server, branching()).map((each) => each.pointer)).toEqual(["/actions/0/with/text"]);
  });

  it("is told once beside the page's own, errors before warnings", () => {
    const warning = { ...error("/trigger"), severity: "warning" as const };
    const found = mergeProblems(branching(), [warning, error("/name")], [error("/name")], null);
    expect(found.map((each) => [each.pointer, each.severity])).toEqual([["/name", "error"], ["/trigger", "warning"]]);
  });
});

describe("the page finds", () => {
  const found = (change: (doc: JsonObject) => void) => {
    const doc = branching();
    change(doc);
    return localProblems(catalog, doc).map((each) => each.pointer);
  };

  it.each<[string, (doc: JsonObject) => void, string[]]>([
    ["nothing in a right document", () => {}, []],
    ["a missing setting", (doc) => setSetting(doc, "large-1", "subject", ""), ["/actions/1/with/paths/0/actions/0/with/subject"]],
    ["an unclosed brace", (doc) => setSetting(doc, "mail-1", "subject", "Hi {{ record.name"), ["/actions/0/with/subject"]],
    ["a variable that isn't there", (doc) => setSetting(doc, "mail-1", "subject", "{{ recrod.name }}"), ["/actions/0/with/subject"]],
    ["a step of another path", (doc) => setSetting(doc, "medium-1", "subject", "{{ actions.large-1.receipt.task_id }}"), ["/actions/1/with/paths/1/actions/0/with/subject"]],
    [
      "a later step after a move",
      (doc) => {
        setSetting(doc, "hook", "url", "https://erp.test/{{ actions.mail-1.receipt.message_id }}");
        moveStep(doc, "hook", { list: ["actions"], index: 0 });
      },
      ["/actions/0/with/url"],
    ],
    ["a path that says not when", (doc) => setPath(doc, "size", 1, "when", { all: [] }), ["/actions/1/with/paths/1/when"]],
    ["a comparison without a value", (doc) => (doc["conditions"] = { field: "amount", op: "greater_than", value: null }), ["/conditions/value"]],
    ["no step", (doc) => (doc["actions"] = []), ["/actions"]],
  ])("%s", (_, change, expected) => {
    expect(found(change)).toEqual(expected);
  });

  it("nothing in a step of an unknown type", () => {
    expect(found((doc) => insertStep(doc, { list: ["actions"], index: 0 }, { id: "x", type: "teleport", with: { to: 1 } }))).toEqual([]);
  });
});
