import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/features/catalog";
import { idOf, locate, settingsOf, walk } from "../../src/features/builder/model/document";
import { insertStep, moveStep, removeStep, setPath, setSetting } from "../../src/features/builder/model/edits";
import { merged, settled } from "../../src/features/builder/model/merge";
import { branching } from "./documents";

const after = (change: (doc: JsonObject) => void) => {
  const doc = branching();
  change(doc);
  return doc;
};
const ids = (doc: JsonObject) => walk(doc).map((each) => idOf(each.step));
const setting = (doc: JsonObject, id: string, name: string) => settingsOf(locate(doc, id)?.step ?? {})[name];

describe("merge", () => {
  it("takes both changes of two properties of one step", () => {
    const result = merged(
      branching(),
      after((doc) => setSetting(doc, "mail-1", "subject", "Mine")),
      after((doc) => setSetting(doc, "mail-1", "text", "Theirs")),
    );
    expect(result.clashes).toEqual([]);
    expect(setting(result.doc, "mail-1", "subject")).toBe("Mine");
    expect(setting(result.doc, "mail-1", "text")).toBe("Theirs");
    expect(result.theirsChanged).toEqual(["mail-1"]);
  });

  it("lists a property that both changed, keeps mine, and can take theirs", () => {
    const theirs = after((doc) => setSetting(doc, "large-1", "subject", "Theirs"));
    const result = merged(branching(), after((doc) => setSetting(doc, "large-1", "subject", "Mine")), theirs);
    expect(result.clashes).toEqual([{ id: "large-1", property: "with.subject", mine: "Mine", theirs: "Theirs" }]);
    expect(setting(result.doc, "large-1", "subject")).toBe("Mine");
    expect(setting(settled(result, theirs, () => true), "large-1", "subject")).toBe("Theirs");
  });

  it("puts a step that they added in a path after its neighbour", () => {
    const added = { id: "new", type: "webhook", with: {} };
    const result = merged(
      branching(),
      after((doc) => removeStep(doc, "mail-1")),
      after((doc) => insertStep(doc, { list: ["actions", 1, "with", "paths", 0, "actions"], index: 1 }, added)),
    );
    expect(result.clashes).toEqual([]);
    expect(ids(result.doc)).toEqual(["size", "large-1", "new", "large-2", "medium-1", "end", "hook"]);
  });

  it("takes their branch's condition and my step inside it", () => {
    const when = { field: "amount", op: "less_than", value: 1 };
    const result = merged(
      branching(),
      after((doc) => setSetting(doc, "large-1", "subject", "Mine")),
      after((doc) => setPath(doc, "size", 0, "when", when)),
    );
    expect(result.clashes).toEqual([]);
    expect((setting(result.doc, "size", "paths") as JsonObject[])[0]?.["when"]).toEqual(when);
    expect(setting(result.doc, "large-1", "subject")).toBe("Mine");
  });

  it("clashes where one deleted what the other changed", () => {
    const result = merged(
      branching(),
      after((doc) => removeStep(doc, "hook")),
      after((doc) => setSetting(doc, "hook", "url", "https://other.test")),
    );
    expect(result.clashes.map((clash) => [clash.id, clash.property])).toEqual([["hook", "step"]]);
  });

  it("follows their move", () => {
    const result = merged(
      branching(),
      after((doc) => setSetting(doc, "hook", "url", "https://mine.test")),
      after((doc) => moveStep(doc, "hook", { list: ["actions"], index: 0 })),
    );
    expect(ids(result.doc)[0]).toBe("hook");
    expect(setting(result.doc, "hook", "url")).toBe("https://mine.test");
  });

  const changes = fc.array(fc.tuple(fc.constantFrom("mail-1", "large-1", "medium-1", "hook"), fc.constantFrom("a", "b"), fc.nat(3)), { maxLength: 6 });
  const change = (many: [string, string, number][]) => after((doc) => many.forEach(([id, name, value]) => setSetting(doc, id, name, value)));

  it("with nobody else's change is mine, and with no change of mine is theirs", () => {
    fc.assert(
      fc.property(changes, (many) => {
        const changed = change(many);
        expect(merged(branching(), changed, branching()).doc).toEqual(changed);
        expect(merged(branching(), branching(), changed)).toMatchObject({ doc: changed, clashes: [] });
      }),
    );
  });

  it("of changes that don't touch is the same whoever is first", () => {
    fc.assert(
      fc.property(changes, changes, (one, other) => {
        const [a, b] = [change(one), change(other)];
        const [ab, ba] = [merged(branching(), a, b), merged(branching(), b, a)];
        expect(ab.clashes.length).toBe(ba.clashes.length);
        if (ab.clashes.length === 0) expect(ab.doc).toEqual(ba.doc);
      }),
    );
  });
});
