import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/features/catalog";
import { idOf, walk } from "../../src/features/builder/model/document";
import { duplicateStep, insertStep, moveStep, placeBy, removeStep, setSetting } from "../../src/features/builder/model/edits";
import { edited, redone, sealed, startOf, STEPS_KEPT, undone } from "../../src/features/builder/model/history";
import { branching } from "./documents";

const typed = (text: string, at: number) => ({ edit: { label: "subject", mergeKey: "mail-1/subject", at }, text });

describe("typing", () => {
  const type = (times: readonly number[]) =>
    times
      .map((at, index) => typed("x".repeat(index + 1), at))
      .reduce((history, { edit, text }) => edited(history, edit, (doc) => setSetting(doc, "mail-1", "subject", text)), startOf<JsonObject>(branching()));

  it("in one field within a second is one step", () => {
    expect(type([0, 300, 900, 1_800]).past).toHaveLength(1);
  });

  it("after a pause is another", () => {
    expect(type([0, 300, 2_000]).past).toHaveLength(2);
  });

  it("after a blur is another", () => {
    const history = sealed(type([0]));
    const next = edited(history, typed("y", 10).edit, (doc) => setSetting(doc, "mail-1", "subject", "y"));
    expect(next.past).toHaveLength(2);
  });
});

it("an edit that changes nothing is no step", () => {
  const history = startOf<JsonObject>(branching());
  expect(edited(history, { label: "none", at: 0 }, (doc) => setSetting(doc, "mail-1", "subject", "Welcome"))).toBe(history);
});

it(`keeps ${STEPS_KEPT} steps`, () => {
  let history = startOf<JsonObject>(branching());
  for (let at = 0; at < STEPS_KEPT + 20; at += 1) {
    history = edited(history, { label: "name", at }, (doc) => {
      doc["name"] = `Name ${at}`;
    });
  }
  expect(history.past).toHaveLength(STEPS_KEPT);
});

type Move = { kind: "insert" | "remove" | "duplicate" | "up" | "down" | "set"; which: number };
const moves: fc.Arbitrary<Move> = fc.record({
  kind: fc.constantFrom("insert", "remove", "duplicate", "up", "down", "set" as const),
  which: fc.nat(30),
});

function apply(doc: JsonObject, move: Move, number: number): void {
  const all = walk(doc);
  const target = all[move.which % Math.max(1, all.length)];
  if (target === undefined || all.length > 40) return;
  const id = idOf(target.step);
  switch (move.kind) {
    case "insert":
      insertStep(doc, target.at, { id: `new-${number}`, type: "webhook", with: {} });
      break;
    case "remove":
      removeStep(doc, id);
      break;
    case "duplicate":
      duplicateStep(doc, id);
      break;
    case "set":
      setSetting(doc, id, "subject", `text ${number}`);
      break;
    default: {
      const place = placeBy(doc, id, move.kind === "up" ? -1 : 1);
      if (place !== null) moveStep(doc, id, place);
    }
  }
}

describe("any edits", () => {
  it("all undone are the start, all redone the end, and no step is lost or twice on the way", () => {
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 25 }), (many) => {
        const start = branching();
        let history = startOf<JsonObject>(start);
        many.forEach((move, number) => {
          history = edited(history, { label: move.kind, at: number }, (doc) => apply(doc, move, number));
          const ids = walk(history.doc).map((each) => idOf(each.step));
          expect(new Set(ids).size).toBe(ids.length);
        });
        const end = history.doc;
        for (let step = undone(history); step !== null; step = undone(history)) history = step.history;
        expect(history.doc).toEqual(branching());
        for (let step = redone(history); step !== null; step = redone(history)) history = step.history;
        expect(history.doc).toEqual(end);
      }),
    );
  });
});
