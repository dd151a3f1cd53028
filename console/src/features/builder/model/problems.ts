import type { ListPath, WorkflowDocument } from "./document";
import { idOf, isObject, valueAtPath } from "./document";

/** What is wrong at a place of a document, as the API's `problems` say it. */
export interface Problem {
  pointer: string;
  detail: string;
  severity: "error" | "warning";
  code?: string;
}

/** A problem where the page shows it: on a card, at a field. */
export interface PlacedProblem extends Problem {
  /** An action's id, "trigger", "conditions" or "workflow". */
  card: string;
  /** The pointer below the card: "with/url", "paths/1/when"; empty for the card itself. */
  field: string;
}

export function keysOf(pointer: string): string[] {
  return pointer === "" ? [] : pointer.slice(1).split("/").map((key) => key.replace(/~1/g, "/").replace(/~0/g, "~"));
}

/** The innermost step that a pointer leads to or into, else the part of the workflow. */
export function placeProblem(doc: WorkflowDocument, problem: Problem): PlacedProblem {
  const keys = keysOf(problem.pointer);
  const path: (string | number)[] = keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  if (keys[0] === "actions") {
    for (let length = path.length; length >= 2; length -= 1) {
      const holder = path[length - 2];
      const step = valueAtPath(doc, path.slice(0, length));
      const inList = holder === "actions" || holder === "otherwise";
      if (inList && typeof path[length - 1] === "number" && isObject(step) && idOf(step) !== "") {
        return { ...problem, card: idOf(step), field: keys.slice(length).join("/") };
      }
    }
  }
  const card = keys[0] === "trigger" || keys[0] === "conditions" ? keys[0] : "workflow";
  return { ...problem, card, field: keys.slice(card === "workflow" ? 0 : 1).join("/") };
}

/**
 * Local problems and the server's, one per pointer and severity, errors first. A server's problem is left
 * out where the value at its pointer differs from what the server checked.
 */
export function mergeProblems(
  doc: WorkflowDocument,
  local: readonly Problem[],
  server: readonly Problem[],
  checked: WorkflowDocument | null,
): PlacedProblem[] {
  const stands = server.filter((problem) => {
    const path = pointerPath(problem.pointer);
    return checked === null || sameJson(valueAtPath(doc, path), valueAtPath(checked, path));
  });
  const seen = new Set<string>();
  const all = [...local, ...stands].filter((problem) => {
    const key = `${problem.severity} ${problem.pointer}`;
    return !seen.has(key) && seen.add(key);
  });
  const placed = all.map((problem) => placeProblem(doc, problem));
  return [...placed.filter((each) => each.severity === "error"), ...placed.filter((each) => each.severity !== "error")];
}

function pointerPath(pointer: string): ListPath {
  return keysOf(pointer).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

/** Equality of JSON values, whatever the order of keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, index) => sameJson(each, b[index]));
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameJson(a[key], b[key]));
  }
  return false;
}
