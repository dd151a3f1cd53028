import type { Step, WorkflowDocument } from "./document";
import { BRANCH, ROOT, idOf, isObject, pathsOfBranch, settingsOf, stepsAt, typeOf, walk } from "./document";

const ID_SHAPE = /^[A-Za-z][A-Za-z0-9_-]*$/;
const ID_LENGTH_MAX = 64;

/** An id for a new step that no step of the document has: webhook-1, webhook-2. Given once, never recomputed. */
export function newId(type: string, taken: ReadonlySet<string>): string {
  const cleaned = type.replace(/_/g, "-").replace(/[^A-Za-z0-9-]/g, "");
  const base = (ID_SHAPE.test(cleaned) ? cleaned : "action").slice(0, ID_LENGTH_MAX - 4);
  for (let number = 1; ; number += 1) {
    const id = `${base}-${number}`;
    if (!taken.has(id)) return id;
  }
}

export function idsIn(doc: WorkflowDocument): Set<string> {
  return new Set(walk(doc).map((each) => idOf(each.step)));
}

/** The document with an id for each step that has none or one that was there before. The same object if nothing lacks. */
export function withIds(doc: WorkflowDocument): WorkflowDocument {
  const all = walk(doc);
  const unique = new Set(all.map((each) => idOf(each.step)));
  if (!unique.has("") && unique.size === all.length) return doc;
  const copy = structuredClone(doc);
  const taken = new Set(unique);
  const seen = new Set<string>();
  for (const { step } of walk(copy)) {
    if (idOf(step) === "" || seen.has(idOf(step))) {
      const id = newId(typeOf(step), taken);
      step["id"] = id;
      taken.add(id);
    }
    seen.add(idOf(step));
  }
  return copy;
}

/** A copy of a step, it and every step inside with ids of their own. */
export function copyWithNewIds(step: Step, taken: ReadonlySet<string>): Step {
  const copy = structuredClone(JSON.parse(JSON.stringify(step)) as Step);
  const used = new Set(taken);
  const rename = (each: Step) => {
    const id = newId(typeOf(each), used);
    each["id"] = id;
    used.add(id);
    if (typeOf(each) !== BRANCH || !isObject(settingsOf(each))) return;
    for (const path of pathsOfBranch(each, { list: ROOT, index: 0 })) path.steps.forEach(rename);
  };
  rename(copy);
  return copy;
}

export function rootSteps(doc: WorkflowDocument): Step[] {
  return stepsAt(doc, ROOT);
}
