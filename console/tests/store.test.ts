import { describe, expect, test } from "vitest";
import type { Document } from "../src/features/builder/model/document";
import { createDraft, HISTORY_MAX, MERGE_MS } from "../src/features/builder/model/store";

const START: Document = { name: "A", actions: [{ id: "mail", type: "send_email", with: { subject: "x" } }] };

/** A small generator with a seed, so that a failure can be run again. */
function* numbers(seed: number) {
  let state = seed;
  for (;;) {
    state = (state * 1103515245 + 12345) % 2147483648;
    yield state;
  }
}

function randomEdit(draft: ReturnType<typeof createDraft>, random: Iterator<number>) {
  const pick = (below: number) => random.next().value % below;
  const steps = draft.store.getState().document.actions?.length ?? 0;
  switch (pick(4)) {
    case 0:
      draft.edit("name", (document) => void (document.name = `name ${pick(9)}`), "name");
      break;
    case 1:
      draft.edit(
        "add",
        (document) =>
          void document.actions?.splice(pick(steps + 1), 0, { id: `s${pick(1000)}`, type: "webhook" }),
      );
      break;
    case 2:
      draft.edit("delete", (document) => void document.actions?.splice(pick(steps + 1), 1));
      break;
    default:
      draft.edit(
        "conditions",
        (document) => void (document.conditions = { all: [{ field: "a", op: "equals", value: pick(3) }] }),
      );
  }
}

describe("a draft", () => {
  test("any edits, all undone, are the beginning; all done again, the end", () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const draft = createDraft(START, () => 0);
      const random = numbers(seed);
      for (let edit = 0; edit < 30; edit += 1) randomEdit(draft, random);
      const end = draft.store.getState().document;
      while (draft.undo()) {}
      expect(draft.store.getState().document, `seed ${seed}`).toEqual(START);
      while (draft.redo()) {}
      expect(draft.store.getState().document, `seed ${seed}`).toEqual(end);
    }
  });

  test("typing in one field is one step, until somebody rests", () => {
    let now = 0;
    const draft = createDraft(START, () => now);
    for (const letter of ["B", "Bi", "Big"]) {
      draft.edit("name", (document) => void (document.name = letter), "name");
      now += MERGE_MS / 2;
    }
    expect(draft.store.getState().past).toHaveLength(1);
    now += 2 * MERGE_MS;
    draft.edit("name", (document) => void (document.name = "Bigger"), "name");
    expect(draft.store.getState().past).toHaveLength(2);
    draft.undo();
    expect(draft.store.getState().document.name).toBe("Big");
  });

  test("what changes nothing is no step, and the history has an end", () => {
    const draft = createDraft(START, () => 0);
    draft.edit("name", (document) => void (document.name = "A"));
    expect(draft.store.getState().past).toHaveLength(0);
    for (let edit = 0; edit < HISTORY_MAX + 5; edit += 1) {
      draft.edit("name", (document) => void (document.name = `n${edit}`));
    }
    expect(draft.store.getState().past).toHaveLength(HISTORY_MAX);
  });
});
