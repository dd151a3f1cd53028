import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Condition, ConditionPath } from "../../src/features/conditions";
import { asGroup, conditionInWords, depthOf, duplicateAt, leaves, moveBy, removeAt, setGroupKind, viewOf, withField, withOperator, wrapAt } from "../../src/features/conditions";
import { catalog } from "../catalog";

const leaf = (field: string): Condition => ({ field, op: "equals", value: field });
const tree = (): Condition => ({ all: [leaf("a"), { any: [leaf("b"), leaf("c")] }, leaf("d")] });
const said = (root: unknown): string => {
  const view = viewOf(root);
  if (view.kind === "comparison") return view.comparison.field;
  return view.kind === "group" ? `${view.group}(${view.members.map(said).join(" ")})` : "?";
};

describe("a condition tree", () => {
  it.each<[string, ConditionPath, -1 | 1, string]>([
    ["into the group below", ["all", 0], 1, "all(any(a b c) d)"],
    ["into the group above", ["all", 2], -1, "all(a any(b c d))"],
    ["out of its group upwards", ["all", 1, "any", 0], -1, "all(a b any(c) d)"],
    ["out of its group downwards", ["all", 1, "any", 1], 1, "all(a any(b) c d)"],
    ["within its group", ["all", 1, "any", 0], 1, "all(a any(c b) d)"],
  ])("moves a row %s", (_, path, by, expected) => {
    const root = tree();
    expect(moveBy(root, path, by)).not.toBeNull();
    expect(said(root)).toBe(expected);
  });

  it("moves nothing past its ends", () => {
    expect(moveBy(tree(), ["all", 0], -1)).toBeNull();
  });

  it("wraps a row in a group of the other kind", () => {
    const root = tree();
    expect(wrapAt(root, ["all", 0])).toEqual(["all", 0, "any", 0]);
    expect(said(root)).toBe("all(any(a) any(b c) d)");
    expect(depthOf(root, ["all", 0, "any", 0])).toBe(2);
  });

  it("takes an empty group away with its last row", () => {
    const root = tree();
    removeAt(root, ["all", 1, "any", 0]);
    removeAt(root, ["all", 1, "any", 0]);
    expect(said(root)).toBe("all(a d)");
  });

  it("turns any into none and back", () => {
    const none = setGroupKind(tree(), ["all", 1], "none");
    expect(said(none)).toBe("all(a none(b c) d)");
    expect(said(setGroupKind(none, ["all", 1], "all"))).toBe("all(a all(b c) d)");
    expect(said(setGroupKind(tree(), [], "none"))).toBe("none(a any(b c) d)");
  });

  it("makes a group of a single comparison, and of nothing", () => {
    expect(said(asGroup(leaf("a")))).toBe("all(a)");
    expect(asGroup(undefined)).toEqual({ all: [] });
  });

  it("keeps every row through any moves", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(10), fc.constantFrom(-1 as const, 1 as const)), { maxLength: 30 }), (many) => {
        const root = tree();
        for (const [which, by] of many) {
          const all = leaves(root);
          const target = all[which % all.length];
          if (target === undefined) continue;
          const moved = moveBy(root, target.path, by);
          const there = leaves(root).find((each) => each.path.join() === (moved ?? target.path).join());
          expect(there?.comparison).toEqual(target.comparison);
        }
        expect(leaves(root).map((each) => each.comparison.field).sort()).toEqual(["a", "b", "c", "d"]);
      }),
    );
  });

  it("copies a row behind itself", () => {
    const root = tree();
    duplicateAt(root, ["all", 0]);
    expect(said(root)).toBe("all(a a any(b c) d)");
  });
});

describe("another field", () => {
  it.each([
    ["keeps operator and value that fit", { field: "source", op: "equals", value: "Normal" }, "priority", { field: "priority", op: "equals", value: "Normal" }, false],
    ["resets a value that isn't in the pick list", { field: "source", op: "equals", value: "Web Form" }, "priority", { field: "priority", op: "equals", value: "Normal" }, true],
    ["resets an operator that doesn't fit", { field: "source", op: "contains", value: "Web" }, "amount", { field: "amount", op: "equals", value: null }, true],
    ["keeps what takes no value", { field: "source", op: "is_empty" }, "amount", { field: "amount", op: "is_empty" }, false],
    ["keeps another field as the value", { field: "amount", op: "equals", value: { field: "name" } }, "source", { field: "source", op: "equals", value: { field: "name" } }, false],
  ])("%s", (_, before, field, comparison, reset) => {
    expect(withField(catalog, "leads", before, field)).toEqual({ comparison, reset });
  });
});

describe("another operator", () => {
  it.each([
    [{ field: "source", op: "equals", value: "Referral" }, "in", ["Referral"]],
    [{ field: "source", op: "in", value: ["Referral", "Web Form"] }, "equals", "Referral"],
    [{ field: "source", op: "equals", value: "Referral" }, "changed_from_to", { from: null, to: "Referral" }],
    [{ field: "amount", op: "equals", value: 5 }, "between", [null, null]],
    [{ field: "amount", op: "equals", value: 5 }, "is_empty", undefined],
    [{ field: "renewal_on", op: "equals", value: "2026-01-01" }, "within_last", "P7D"],
  ])("turns %j with %s into %j", (before, op, value) => {
    expect(withOperator(catalog, "leads", before, op).value).toEqual(value);
  });
});

it("reads nested", () => {
  const node = { all: [{ field: "source", op: "in", value: ["Web Form", "Referral"] }, { any: [{ field: "amount", op: "greater_than", value: 50000 }, { field: "owner", op: "equals", value: "u-2" }] }] };
  expect(conditionInWords(catalog, "leads", node)).toBe("Source is one of Web Form, Referral and (Amount is greater than 50,000 or Owner is Grace Hopper)");
});
