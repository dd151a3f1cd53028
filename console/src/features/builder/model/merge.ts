/** Two people changed one draft: what both made of it, by step and property, or what they disagree on. */
import type { Document, Step } from "./document";

export interface Merged {
  document: Document;
  /** Where both changed the same thing differently: pointers, in the order of the document. */
  clashes: string[];
}

type Json = unknown;

/** base → mine and base → theirs, put together. Where they clash, mine stands in `document`. */
export function merge(base: Document, mine: Document, theirs: Document): Merged {
  const clashes: string[] = [];
  const document: Document = {};
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
    const value =
      key === "actions"
        ? mergeSteps(base.actions ?? [], mine.actions ?? [], theirs.actions ?? [], clashes)
        : pick(base[key], mine[key], theirs[key], `/${key}`, clashes);
    if (value !== undefined) document[key] = value;
  }
  return { document, clashes };
}

function pick(base: Json, mine: Json, theirs: Json, pointer: string, clashes: string[]): Json {
  if (same(mine, theirs) || same(theirs, base)) return mine;
  if (same(mine, base)) return theirs;
  clashes.push(pointer);
  return mine;
}

function mergeSteps(base: Step[], mine: Step[], theirs: Step[], clashes: string[]): Step[] {
  const before = byId(base);
  const [ours, others] = [byId(mine), byId(theirs)];
  const order = same(mine.map(idOf), base.map(idOf)) ? theirs : mine;
  const rest = (order === mine ? theirs : mine).filter(
    (step) => !order.some((each) => idOf(each) === idOf(step)),
  );
  const merged: Step[] = [];
  for (const id of [...order, ...rest].map(idOf)) {
    const [was, here, there] = [before.get(id), ours.get(id), others.get(id)];
    if (here && there) merged.push(mergeStep(was, here, there, `/actions/${id}`, clashes));
    else if (!was) merged.push((here ?? there)!);
    else if (here || there) {
      // One deleted what the other may have changed.
      const kept = (here ?? there)!;
      if (!same(kept, was)) {
        clashes.push(`/actions/${id}`);
        if (here) merged.push(here);
      }
    }
  }
  return merged;
}

function mergeStep(
  base: Step | undefined,
  mine: Step,
  theirs: Step,
  pointer: string,
  clashes: string[],
): Step {
  const step: Step = { type: mine.type };
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
    const value =
      key === "with" && isObject(mine.with) && isObject(theirs.with)
        ? mergeObjects(base?.with ?? {}, mine.with, theirs.with, `${pointer}/with`, clashes)
        : pick(base?.[key], mine[key], theirs[key], `${pointer}/${key}`, clashes);
    if (value !== undefined) step[key] = value;
  }
  return step;
}

function mergeObjects(
  base: Record<string, Json>,
  mine: Record<string, Json>,
  theirs: Record<string, Json>,
  pointer: string,
  clashes: string[],
): Record<string, Json> {
  const merged: Record<string, Json> = {};
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(mine)])) {
    const value = pick(base[key], mine[key], theirs[key], `${pointer}/${key}`, clashes);
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}

const idOf = (step: Step) => step.id ?? "";
const byId = (steps: Step[]) => new Map(steps.map((step) => [idOf(step), step]));
const isObject = (value: unknown): value is Record<string, Json> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether two JSON values are the same, whatever the order of their keys. */
export function same(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((each, index) => same(each, right[index]));
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => same(left[key], right[key]));
}
