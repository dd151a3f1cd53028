import type { Json } from "../../catalog";
import type { Located, WorkflowDocument } from "./document";
import { BRANCH, idOf, isObject, settingsOf, typeOf, walk } from "./document";
import { sameJson } from "./problems";

/** How two versions of a workflow differ, aligned by action id. */
export type ChangeKind = "added" | "removed" | "changed" | "moved" | "same";

export interface PropertyChange {
  /** "with.subject", "retry", "trigger". */
  property: string;
  before: Json | undefined;
  after: Json | undefined;
}

export interface StepRow {
  id: string;
  kind: ChangeKind;
  before: Located | null;
  after: Located | null;
  properties: PropertyChange[];
}

export interface Difference {
  /** name, description, trigger, conditions, reentry, rate and others that differ. */
  workflow: PropertyChange[];
  /** Every step of both, in the order of the newer one, removed ones after their earlier neighbour. */
  steps: StepRow[];
  /** How many parts differ. */
  count: number;
}

export function difference(before: WorkflowDocument, after: WorkflowDocument): Difference {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  keys.delete("actions");
  const workflow = [...keys].flatMap((key) => change(key, before[key], after[key]));
  const steps = stepRows(walk(before), walk(after));
  return { workflow, steps, count: workflow.length + steps.filter((row) => row.kind !== "same").length };
}

function change(property: string, before: Json | undefined, after: Json | undefined): PropertyChange[] {
  return sameJson(before, after) ? [] : [{ property, before, after }];
}

function stepRows(before: Located[], after: Located[]): StepRow[] {
  const old = new Map(before.map((each) => [idOf(each.step), each]));
  const now = new Map(after.map((each) => [idOf(each.step), each]));
  const moved = movedIds(before, after);
  const rows = after.map((each): StepRow => {
    const id = idOf(each.step);
    const was = old.get(id) ?? null;
    if (was === null) return { id, kind: "added", before: null, after: each, properties: [] };
    const properties = propertyChanges(was, each);
    const kind = properties.length > 0 ? "changed" : moved.has(id) ? "moved" : "same";
    return { id, kind, before: was, after: each, properties };
  });
  before.forEach((each, index) => {
    const id = idOf(each.step);
    if (now.has(id)) return;
    const earlier = before.slice(0, index).map((other) => idOf(other.step));
    const place = rows.findLastIndex((row) => earlier.includes(row.id));
    rows.splice(place + 1, 0, { id, kind: "removed", before: each, after: null, properties: [] });
  });
  return rows;
}

function propertyChanges(before: Located, after: Located): PropertyChange[] {
  const own = new Set([...Object.keys(before.step), ...Object.keys(after.step)]);
  own.delete("id");
  own.delete("with");
  const [was, is] = [settingsOf(before.step), settingsOf(after.step)];
  const inside = new Set([...Object.keys(was), ...Object.keys(is)]);
  const isBranch = typeOf(after.step) === BRANCH;
  if (isBranch) inside.delete("otherwise");
  return [
    ...[...inside].flatMap((key) =>
      isBranch && key === "paths"
        ? change("with.paths", pathHeads(was[key]), pathHeads(is[key]))
        : change(`with.${key}`, was[key], is[key]),
    ),
    ...[...own].flatMap((key) => change(key, before.step[key], after.step[key])),
  ];
}

function pathHeads(paths: Json | undefined): Json {
  return Array.isArray(paths)
    ? paths.filter(isObject).map((path) => ({ name: path["name"] ?? "", when: path["when"] ?? null }))
    : [];
}

/** The fewest steps that must have moved: those that aren't on the longest common sequence of their list. */
function movedIds(before: Located[], after: Located[]): Set<string> {
  const holder = (each: Located) => (each.inside === null ? "" : `${each.inside.branchId}/${each.inside.key}`);
  const old = new Map(before.map((each) => [idOf(each.step), holder(each)]));
  const shared = after.filter((each) => old.has(idOf(each.step)));
  const moved = new Set(shared.filter((each) => old.get(idOf(each.step)) !== holder(each)).map((each) => idOf(each.step)));
  for (const list of new Set(shared.map(holder))) {
    const inList = (each: Located) => holder(each) === list && !moved.has(idOf(each.step));
    const now = shared.filter(inList).map((each) => idOf(each.step));
    const nowSet = new Set(now);
    const was = before.filter((each) => nowSet.has(idOf(each.step))).map((each) => idOf(each.step));
    const kept = new Set(longestCommon(was, now));
    for (const id of now) if (!kept.has(id)) moved.add(id);
  }
  return moved;
}

/** The longest sequence that stands in both lists in order. */
export function longestCommon(a: readonly string[], b: readonly string[]): string[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      (lengths[i] as number[])[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: string[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      found.push(a[i] as string);
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return found;
}
