import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/features/catalog";
import { difference } from "../../src/features/builder/model/diff";
import { insertStep, moveStep, removeStep, setPath, setSetting } from "../../src/features/builder/model/edits";
import { changesInWords } from "../../src/features/builder/model/words";
import { catalog } from "../catalog";
import { branching } from "./documents";

const rows = (change: (doc: JsonObject) => void) => {
  const doc = branching();
  change(doc);
  return difference(branching(), doc);
};
const changed = (change: (doc: JsonObject) => void) => rows(change).steps.filter((row) => row.kind !== "same").map((row) => [row.id, row.kind]);

describe("a difference", () => {
  it.each<[string, (doc: JsonObject) => void, unknown]>([
    ["nothing", () => {}, []],
    ["a setting", (doc) => setSetting(doc, "large-1", "subject", "x"), [["large-1", "changed"]]],
    ["a step added in a path", (doc) => insertStep(doc, { list: ["actions", 1, "with", "otherwise"], index: 0 }, { id: "new", type: "webhook" }), [["new", "added"]]],
    ["a step removed", (doc) => removeStep(doc, "mail-1"), [["mail-1", "removed"]]],
    ["one step moved, not those it passed", (doc) => moveStep(doc, "hook", { list: ["actions"], index: 0 }), [["hook", "moved"]]],
    ["a step moved into another path", (doc) => moveStep(doc, "medium-1", { list: ["actions", 1, "with", "otherwise"], index: 0 }), [["medium-1", "moved"]]],
    ["a path's condition, not the steps below", (doc) => setPath(doc, "size", 0, "name", "Huge"), [["size", "changed"]]],
  ])("of %s", (_, change, expected) => {
    expect(changed(change)).toEqual(expected);
  });

  it("is said in words", () => {
    const found = rows((doc) => {
      doc["conditions"] = { all: [] };
      setSetting(doc, "mail-1", "subject", "Hi");
      removeStep(doc, "large-2");
    });
    expect(changesInWords(catalog, found.workflow, found.steps)).toEqual([
      "Conditions changed",
      "Step 1, send email: subject changed",
      "Step 2.2, create task: removed",
    ]);
  });
});
