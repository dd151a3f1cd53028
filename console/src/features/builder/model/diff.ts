/** What differs between two documents, step by step, for people. */
import type { Document, Step } from "./document";
import { same } from "./merge";

export type ChangeKind = "added" | "removed" | "changed" | "moved" | "same";

export interface Property {
  name: string;
  before: unknown;
  after: unknown;
}

export interface CardChange {
  /** head, trigger, conditions, or a step's id. */
  card: string;
  kind: ChangeKind;
  before: Step | undefined;
  after: Step | undefined;
  properties: Property[];
}

/** Every card of both documents in the order of the second, removed ones where they stood. */
export function diff(before: Document, after: Document): CardChange[] {
  return [
    partChange("head", pickHead(before), pickHead(after)),
    partChange("trigger", { ...before.trigger }, { ...after.trigger }),
    partChange(
      "conditions",
      { conditions: before.conditions ?? null },
      { conditions: after.conditions ?? null },
    ),
    ...stepChanges(before.actions ?? [], after.actions ?? []),
  ];
}

/** Those that are not the same. */
export function changes(before: Document, after: Document): CardChange[] {
  return diff(before, after).filter((each) => each.kind !== "same");
}

const KNOWN_PARTS = new Set(["trigger", "conditions", "actions"]);

function pickHead(document: Document): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).filter(([key]) => !KNOWN_PARTS.has(key)));
}

function partChange(
  card: string,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): CardChange {
  const properties = propertiesOf(before, after);
  return {
    card,
    kind: properties.length ? "changed" : "same",
    before: undefined,
    after: undefined,
    properties,
  };
}

function stepChanges(before: Step[], after: Step[]): CardChange[] {
  const old = new Map(before.map((step) => [step.id, step]));
  const kept = before.filter((step) => after.some((each) => each.id === step.id)).map((step) => step.id);
  const order = after.filter((step) => old.has(step.id)).map((step) => step.id);
  const moved = new Set(movedIds(kept, order));
  const made = after.map((step): CardChange => {
    const was = old.get(step.id);
    if (!was) return { card: step.id ?? "", kind: "added", before: undefined, after: step, properties: [] };
    const properties = propertiesOf(flat(was), flat(step));
    const kind = properties.length ? "changed" : moved.has(step.id) ? "moved" : "same";
    return { card: step.id ?? "", kind, before: was, after: step, properties };
  });
  for (const [index, step] of before.entries()) {
    if (after.some((each) => each.id === step.id)) continue;
    made.splice(Math.min(index, made.length), 0, {
      card: step.id ?? "",
      kind: "removed",
      before: step,
      after: undefined,
      properties: [],
    });
  }
  return made;
}

/** The ids that have to move to come from one order to the other: all but a longest run that kept its order. */
function movedIds(before: (string | undefined)[], after: (string | undefined)[]): (string | undefined)[] {
  const place = new Map(before.map((id, index) => [id, index]));
  const best: { length: number; from: number }[] = [];
  let end = -1;
  after.forEach((id, index) => {
    best[index] = { length: 1, from: -1 };
    for (let earlier = 0; earlier < index; earlier += 1) {
      const comes = (place.get(after[earlier]) ?? 0) < (place.get(id) ?? 0);
      if (comes && best[earlier]!.length + 1 > best[index]!.length) {
        best[index] = { length: best[earlier]!.length + 1, from: earlier };
      }
    }
    if (end < 0 || best[index]!.length > best[end]!.length) end = index;
  });
  const stayed = new Set<string | undefined>();
  for (let at = end; at >= 0; at = best[at]!.from) stayed.add(after[at]);
  return after.filter((id) => !stayed.has(id));
}

function flat(step: Step): Record<string, unknown> {
  const { id: _id, type: _type, with: parameters, ...rest } = step;
  return { ...rest, ...parameters };
}

function propertiesOf(before: Record<string, unknown>, after: Record<string, unknown>): Property[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !same(before[name], after[name]))
    .map((name) => ({ name, before: before[name], after: after[name] }));
}
