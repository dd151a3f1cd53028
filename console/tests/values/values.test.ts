import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DURATION_UNITS, durationInWords, durationMs, durationText, labelOf, outputText, pathProblem, pieces, simpleDuration, valueAt, variablesAt } from "../../src/features/values";
import { catalog } from "../catalog";

const scope = { catalog, module: "leads", earlier: [{ id: "task", type: "create_task", number: "1" }], sample: { record: { name: "Ada", amount: 75000 } } };

describe("a duration", () => {
  it.each([
    ["P2D", { count: 2, unit: "day" }, "2 days"],
    ["PT15M", { count: 15, unit: "minute" }, "15 minutes"],
    ["P1M", { count: 1, unit: "month" }, "1 month"],
    ["P1DT2H", null, "1 day 2 hours"],
    ["-P3D", null, "3 days"],
    ["soon", null, "soon"],
    ["P", null, "P"],
  ])("%s", (text, simple, words) => {
    expect(simpleDuration(text)).toEqual(simple);
    expect(durationInWords(text)).toBe(words);
  });

  it("of number and unit is the same there and back", () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.constantFrom(...DURATION_UNITS), (count, unit) => {
        expect(simpleDuration(durationText({ count, unit }))).toEqual({ count, unit });
      }),
    );
  });

  it("is about so long", () => {
    expect(durationMs("-P1DT1H")).toBe(-90_000_000);
  });
});

describe("a template's pieces", () => {
  it("are its text, outputs and tags", () => {
    expect(pieces("Dear {{ record.name | default: \"a|b\" | upcase }}, {% if x %}{{ 'lit' }} {{ open")).toEqual([
      { kind: "text", raw: "Dear ", from: 0 },
      { kind: "output", raw: "{{ record.name | default: \"a|b\" | upcase }}", from: 5, path: "record.name", filters: ["default: \"a|b\"", "upcase"] },
      { kind: "text", raw: ", ", from: 48 },
      { kind: "tag", raw: "{% if x %}", from: 50 },
      { kind: "output", raw: "{{ 'lit' }}", from: 60, path: null, filters: [] },
      { kind: "text", raw: " ", from: 71 },
      { kind: "unclosed", raw: "{{ open", from: 72 },
    ]);
  });

  it("joined are the template, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("{{", "}}", "{%", "%}", " a.b ", "|", "\"", "text", "\n")), (parts) => {
        const template = parts.join("");
        const found = pieces(template);
        expect(found.map((piece) => piece.raw).join("")).toBe(template);
        expect(found.every((piece) => template.startsWith(piece.raw, piece.from))).toBe(true);
      }),
    );
  });

  it("name what outputText writes", () => {
    expect(pieces(outputText("record.name", ["upcase"]))[0]).toMatchObject({ path: "record.name", filters: ["upcase"] });
  });
});

describe("variables", () => {
  it.each([
    ["record.name", "Name"],
    ["previous.amount", "Amount before"],
    ["owner.email", "Owner’s email"],
    ["event.record.source", "Source as it triggered"],
    ["actions.task.receipt.task_id", "Step 1: task id"],
    ["record.custom_thing", "Custom thing"],
  ])("%s reads %s", (path, label) => {
    expect(labelOf(scope, path)).toBe(label);
  });

  it.each([
    ["record.name", null],
    ["record.nonsense", "warning"],
    ["recrod.name", "error"],
    ["owner.phone", "error"],
    ["actions.later.receipt", "error"],
    ["actions.task.receipt.x", null],
    ["event.record.amount", null],
  ])("%s is %s", (path, severity) => {
    expect(pathProblem(scope, path)?.severity ?? null).toBe(severity);
  });

  it("offered are those of earlier steps too, with the test record's values", () => {
    const groups = variablesAt(scope);
    expect(groups.map((group) => group.title)).toEqual(["Lead as it is at this step", "Owner", "1 Create task", "Lead as it triggered", "Before the change", "Event", "Workflow"]);
    const amount = groups[0]?.variables.find((each) => each.path === "record.amount");
    expect(amount).toEqual({ path: "record.amount", label: "Amount", sample: "75000" });
  });

  it("are found by their path", () => {
    expect(valueAt({ lines: [{ sku: "a" }] }, "lines[0].sku")).toBe("a");
  });
});
