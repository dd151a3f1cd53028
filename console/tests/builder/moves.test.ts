import { describe, expect, it } from "vitest";
import { idOf, stepsBefore, walk } from "../../src/features/builder/model/document";
import {
  duplicateStep,
  mayMoveTo,
  moveStep,
  placeBeside,
  placeBy,
  removeStep,
  unwrapBranch,
} from "../../src/features/builder/model/edits";
import { copyWithNewIds, newId, withIds } from "../../src/features/builder/model/ids";
import { branching } from "./documents";

const ids = (doc: ReturnType<typeof branching>) => walk(doc).map((each) => `${each.number} ${idOf(each.step)}`);

describe("a document's steps", () => {
  it("are numbered in document order, those of a path below their branch", () => {
    expect(ids(branching())).toEqual(["1 mail-1", "2 size", "2.1 large-1", "2.2 large-2", "2.1 medium-1", "2.1 end", "3 hook"]);
  });

  it.each([
    ["hook", ["mail-1", "size"]],
    ["large-2", ["mail-1", "large-1"]],
    ["end", ["mail-1"]],
    ["mail-1", []],
  ])("before %s are %j: never those of another path", (id, earlier) => {
    const all = walk(branching());
    expect(stepsBefore(all, id).map((each) => idOf(each.step))).toEqual(earlier);
  });
});

describe("Alt+arrow", () => {
  it.each([
    ["mail-1", 1, ["1 size", "1.1 mail-1", "1.2 large-1", "1.3 large-2", "1.1 medium-1", "1.1 end", "2 hook"]],
    ["large-2", 1, ["1 mail-1", "2 size", "2.1 large-1", "2.1 medium-1", "2.1 end", "3 large-2", "4 hook"]],
    ["large-1", -1, ["1 mail-1", "2 large-1", "3 size", "3.1 large-2", "3.1 medium-1", "3.1 end", "4 hook"]],
    ["large-1", 1, ["1 mail-1", "2 size", "2.1 large-2", "2.2 large-1", "2.1 medium-1", "2.1 end", "3 hook"]],
    ["size", -1, ["1 size", "1.1 large-1", "1.2 large-2", "1.1 medium-1", "1.1 end", "2 mail-1", "3 hook"]],
    ["hook", -1, ["1 mail-1", "2 size", "2.1 large-1", "2.2 large-2", "2.3 hook", "2.1 medium-1", "2.1 end"]],
  ] as const)("moves %s by %i", (id, by, expected) => {
    const doc = branching();
    const place = placeBy(doc, id, by);
    expect(place).not.toBeNull();
    if (place !== null) moveStep(doc, id, place);
    expect(ids(doc)).toEqual(expected);
  });

  it("goes no further at the ends of the workflow", () => {
    expect(placeBy(branching(), "mail-1", -1)).toBeNull();
    expect(placeBy(branching(), "hook", 1)).toBeNull();
  });

  it("with left and right goes between neighbouring paths", () => {
    const doc = branching();
    const place = placeBeside(doc, "large-2", 1);
    if (place !== null) moveStep(doc, "large-2", place);
    expect(ids(doc)).toEqual(["1 mail-1", "2 size", "2.1 large-1", "2.1 medium-1", "2.2 large-2", "2.1 end", "3 hook"]);
    expect(placeBeside(doc, "large-1", -1)).toBeNull();
  });
});

describe("moves", () => {
  it("put no branch into itself", () => {
    const doc = branching();
    const inside = { list: ["actions", 1, "with", "otherwise"], index: 0 };
    expect(mayMoveTo(doc, "size", inside)).toBe(false);
    expect(moveStep(doc, "size", inside)).toBe(false);
    expect(ids(doc)).toEqual(ids(branching()));
  });

  it("out of a path to a place before its branch keep everything else", () => {
    const doc = branching();
    moveStep(doc, "medium-1", { list: ["actions"], index: 0 });
    expect(ids(doc)).toEqual(["1 medium-1", "2 mail-1", "3 size", "3.1 large-1", "3.2 large-2", "3.1 end", "4 hook"]);
  });

  it("keep keys that nobody knows", () => {
    const doc = branching();
    moveStep(doc, "hook", { list: ["actions"], index: 0 });
    expect((doc["actions"] as object[])[0]).toEqual((branching()["actions"] as object[])[2]);
  });
});

describe("ids", () => {
  it("take the first free number", () => {
    expect(newId("send_email", new Set(["send-email-1", "send-email-3"]))).toBe("send-email-2");
  });

  it("are given to steps without one, and leave a complete document as it is", () => {
    const doc = branching();
    expect(withIds(doc)).toBe(doc);
    const without = { actions: [{ type: "webhook" }, { type: "webhook", id: "webhook-1" }] };
    expect(walk(withIds(without)).map((each) => idOf(each.step))).toEqual(["webhook-2", "webhook-1"]);
  });

  it("of a copied branch are all new", () => {
    const doc = branching();
    const before = new Set(walk(doc).map((each) => idOf(each.step)));
    const copy = copyWithNewIds((doc["actions"] as ReturnType<typeof branching>[])[1] ?? {}, before);
    const inside = walk({ actions: [copy] }).map((each) => idOf(each.step));
    expect(new Set(inside).size).toBe(5);
    expect(inside.filter((id) => before.has(id))).toEqual([]);
  });

  it("stay unique after duplicate", () => {
    const doc = branching();
    duplicateStep(doc, "size");
    const all = walk(doc).map((each) => idOf(each.step));
    expect(new Set(all).size).toBe(all.length);
  });
});

it("deleting a branch can keep the steps of one path", () => {
  const doc = branching();
  unwrapBranch(doc, "size", 0);
  expect(ids(doc)).toEqual(["1 mail-1", "2 large-1", "3 large-2", "4 hook"]);
  removeStep(doc, "large-1");
  expect(ids(doc)).toEqual(["1 mail-1", "2 large-2", "3 hook"]);
});
