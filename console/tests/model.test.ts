import { describe, expect, test } from "vitest";
import { added, moved, regrouped, replaced } from "../src/features/builder/model/conditions";
import { changes, diff } from "../src/features/builder/model/diff";
import {
  type Condition,
  cardOfPointer,
  type Document,
  newStepId,
} from "../src/features/builder/model/document";
import { durationWords, parseDuration, UNITS, writeDuration } from "../src/features/builder/model/duration";
import { merge } from "../src/features/builder/model/merge";
import { isUnclosed, partsOf } from "../src/features/builder/model/template";
import { conditionWords, sentence } from "../src/features/builder/model/words";
import { timelineOf } from "../src/features/runs/model/timeline";

const BASE: Document = {
  name: "Welcome",
  trigger: { module: "leads", event: "created" },
  actions: [
    { id: "mail", type: "send_email", with: { subject: "Hi", text: "Dear" } },
    { id: "hook", type: "webhook", with: { url: "https://a.example" } },
  ],
};
const LEAF: Condition = { field: "amount", op: "greater_than", value: 50000 };

describe("merge", () => {
  const change = (edit: (document: Document) => void): Document => {
    const copy = structuredClone(BASE);
    edit(copy);
    return copy;
  };

  test("changes of different properties are put together", () => {
    const mine = change((document) => void (document.actions![0]!.with!.subject = "Hello"));
    const theirs = change((document) => void (document.actions![0]!.with!.text = "Dear all"));
    const merged = merge(BASE, mine, theirs);
    expect(merged.clashes).toEqual([]);
    expect(merged.document.actions![0]!.with).toEqual({ subject: "Hello", text: "Dear all" });
  });

  test("two changes of one property clash, and mine stands", () => {
    const mine = change((document) => void (document.name = "Mine"));
    const theirs = change((document) => void (document.name = "Theirs"));
    expect(merge(BASE, mine, theirs)).toEqual({ document: mine, clashes: ["/name"] });
  });

  test("a step that one deleted and the other changed clashes; unchanged it is gone", () => {
    const without = change((document) => void document.actions!.pop());
    const edited = change((document) => void (document.actions![1]!.with!.url = "https://b.example"));
    expect(merge(BASE, without, edited).clashes).toEqual(["/actions/hook"]);
    expect(merge(BASE, without, structuredClone(BASE)).document.actions).toHaveLength(1);
  });

  test("with one side unchanged the other is the result; unknown keys stay", () => {
    const mine = change((document) => {
      document.invented = { deep: [1] };
      document.actions!.push({ id: "new", type: "from_the_future", shape: { a: 1 } });
    });
    expect(merge(BASE, mine, BASE).document).toEqual(mine);
    expect(merge(BASE, BASE, mine).document).toEqual(mine);
  });
});

describe("compare", () => {
  test("names what was added, removed, changed and moved", () => {
    const after: Document = {
      ...BASE,
      actions: [
        BASE.actions![1]!,
        { id: "mail", type: "send_email", with: { subject: "Hello", text: "Dear" } },
        { id: "task", type: "create_task" },
      ],
    };
    const kinds = Object.fromEntries(diff(BASE, after).map((each) => [each.card, each.kind]));
    expect(kinds).toEqual({
      head: "same",
      trigger: "same",
      conditions: "same",
      hook: "same",
      mail: "changed",
      task: "added",
    });
    expect(changes(after, BASE).map((each) => [each.card, each.kind])).toContainEqual(["task", "removed"]);
    const swapped: Document = { ...BASE, actions: BASE.actions!.toReversed() };
    expect(changes(BASE, swapped).map((each) => each.kind)).toEqual(["moved"]);
    expect(changes(BASE, structuredClone(BASE))).toEqual([]);
  });
});

describe("conditions", () => {
  test("edits by path", () => {
    const root = added(null, [], LEAF);
    expect(root).toEqual({ all: [LEAF] });
    const nested = added(root, [], { any: [LEAF, LEAF] });
    expect(replaced(nested, [1, 0], null)).toEqual({ all: [LEAF, { any: [LEAF] }] });
    expect(replaced(replaced(nested, [1, 0], null)!, [1, 0], null)).toEqual({ all: [LEAF] });
    expect(replaced(root, [0], null)).toBeNull();
    expect(regrouped(nested, [1], "not")).toEqual({ all: [LEAF, { not: { any: [LEAF, LEAF] } }] });
    const other: Condition = { field: "b", op: "is_empty" };
    expect(moved(added(root, [], other), [0], 1)).toEqual({ all: [other, LEAF] });
    expect(moved(root, [0], 1)).toEqual(root);
  });

  test("read as a sentence", () => {
    const operators = [
      {
        op: "greater_than",
        label: "is greater than",
        takes: "ordered" as const,
        field_types: [],
        accepts_field: true,
      },
      { op: "is_empty", label: "is empty", takes: "nothing" as const, field_types: [], accepts_field: false },
    ];
    const condition: Condition = { all: [LEAF, { any: [{ field: "owner", op: "is_empty" }, LEAF] }] };
    expect(conditionWords(condition, [], operators)).toBe(
      "Amount is greater than 50,000 and (Owner is empty or Amount is greater than 50,000)",
    );
    expect(sentence({ trigger: { module: "leads", event: "created" } }, undefined)).toBe(
      "When lead created.",
    );
    expect(sentence({}, undefined)).toBe("");
  });
});

describe("templates", () => {
  test.each([
    "",
    "plain",
    "Dear {{ record.name }}",
    "{% if a %}x{% endif %}{{ a | upcase: 1 }} {{-b-}}",
    "{{ open",
    "}} {{ a }}",
  ])("the parts of %j are the template", (template) => {
    const joined = partsOf(template)
      .map((part) => (part.kind === "text" ? part.text : part.raw))
      .join("");
    expect(joined).toBe(template);
  });

  test("an open mark is seen", () => {
    expect(isUnclosed("Dear {{ record.name")).toBe(true);
    expect(isUnclosed("Dear {{ record.name }}")).toBe(false);
  });
});

describe("small things", () => {
  test("durations come back as they were written", () => {
    for (const { unit } of UNITS) {
      const text = writeDuration(3, unit);
      expect(parseDuration(text)).toEqual({ amount: 3, unit });
    }
    expect(durationWords("P1D")).toBe("1 day");
    expect(durationWords("P1DT2H")).toBe("P1DT2H");
  });

  test("a step's id is fresh, and pointers lead to cards", () => {
    expect(newStepId("send_email", ["send-email-1", undefined])).toBe("send-email-2");
    expect(cardOfPointer("/actions/1/with/url", BASE)).toBe("hook");
    expect(cardOfPointer("/trigger/event", BASE)).toBe("trigger");
    expect(cardOfPointer("/name", BASE)).toBe("head");
  });

  test("idle stretches of a run are folded, and bars stay in order", () => {
    const at = (ms: number) => new Date(ms).toISOString();
    const attempt = (number: number, from: number, to: number) => ({
      number,
      started_at: at(from),
      finished_at: at(to),
      outcome: "success" as const,
      error: null,
      receipt: null,
      retry_at: null,
      deadline: null,
      effect_key: null,
      warnings: [],
    });
    const actions = [
      {
        id: "a",
        type: "webhook",
        status: "success" as const,
        kept: false,
        error: null,
        receipt: null,
        attempts: [attempt(1, 0, 100)],
      },
      {
        id: "b",
        type: "webhook",
        status: "success" as const,
        kept: false,
        error: null,
        receipt: null,
        attempts: [attempt(1, 60_000, 60_100)],
      },
    ];
    const { lanes, folds } = timelineOf(actions, 70_000);
    expect(folds).toHaveLength(1);
    expect(folds[0]!.ms).toBe(59_900);
    const [first, second] = [lanes[0]!.bars[0]!, lanes[1]!.bars[0]!];
    expect(first.from).toBe(0);
    expect(first.to).toBeLessThan(second.from);
    expect(second.to).toBeCloseTo(1);
  });
});
