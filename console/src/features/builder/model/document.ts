/** A workflow document as people write it (api.md). Keys that this release does not know are kept as they are. */

export interface Comparison {
  field: string;
  op: string;
  value?: unknown;
}

export type Condition = { all: Condition[] } | { any: Condition[] } | { not: Condition } | Comparison;

export interface Trigger {
  module?: string;
  event?: string;
  fields?: string[];
  from?: string | string[];
  to?: string | string[];
}

export interface Step {
  id?: string;
  type: string;
  with?: Record<string, unknown>;
  timeout?: string;
  retry?: { attempts?: number; first_backoff?: string; factor?: number; max_backoff?: string };
  on_failure?: "stop" | "continue";
  on_unknown?: "resend" | "hold";
  [unknown: string]: unknown;
}

export interface Document {
  name?: string;
  description?: string;
  trigger?: Trigger;
  conditions?: Condition | null;
  actions?: Step[];
  reentry?: "avoid" | "allow";
  [unknown: string]: unknown;
}

export function isComparison(condition: Condition): condition is Comparison {
  return "field" in condition || "op" in condition;
}

export type GroupKind = "all" | "any" | "not";

/** Kind and members of a group. "None of these" is `not` around `any`, as it is written. */
export function groupOf(condition: Condition): { kind: GroupKind; members: Condition[] } | null {
  if ("all" in condition) return { kind: "all", members: condition.all };
  if ("any" in condition) return { kind: "any", members: condition.any };
  if ("not" in condition) {
    const inner = condition.not;
    return { kind: "not", members: "any" in inner ? inner.any : [inner] };
  }
  return null;
}

export function makeGroup(kind: GroupKind, members: Condition[]): Condition {
  if (kind === "all") return { all: members };
  if (kind === "any") return { any: members };
  return { not: { any: members } };
}

/** A fresh id for a step: its kind and the first free number. Ids are given once and never recomputed. */
export function newStepId(type: string, taken: Iterable<string | undefined>): string {
  const known = new Set(taken);
  const stem = type.replaceAll("_", "-");
  let number = 1;
  while (known.has(`${stem}-${number}`)) number += 1;
  return `${stem}-${number}`;
}

/** Which step a problem's pointer leads to, and which part of it; null where it is not about a step. */
export function stepOfPointer(pointer: string): { index: number; rest: string } | null {
  const found = /^\/actions\/(\d+)(.*)$/.exec(pointer);
  return found ? { index: Number(found[1]), rest: found[2] ?? "" } : null;
}

/** The card that a pointer is about: trigger, conditions, a step's id, or the head. */
export function cardOfPointer(pointer: string, document: Document): string {
  const step = stepOfPointer(pointer);
  if (step) return document.actions?.[step.index]?.id ?? "head";
  if (pointer.startsWith("/trigger")) return "trigger";
  if (pointer.startsWith("/conditions")) return "conditions";
  if (pointer === "/actions") return "add";
  return "head";
}
