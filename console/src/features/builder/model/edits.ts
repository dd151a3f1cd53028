import type { Catalog, Json, JsonObject } from "../../catalog";
import { actionOf } from "../../catalog";
import type { ListPath, Place, Step, WorkflowDocument } from "./document";
import {
  BRANCH,
  NESTING_MAX,
  ROOT,
  STOP,
  WAIT,
  idOf,
  isObject,
  locate,
  pathsOfBranch,
  settingsOf,
  stepsAt,
  typeOf,
  valueAtPath,
  walk,
} from "./document";
import { copyWithNewIds, idsIn, newId } from "./ids";

/** Edits change a document in place: an immer draft in the store, a plain copy in tests. */

/** A step of a type with the settings it starts with. */
export function newStep(catalog: Catalog, type: string, taken: ReadonlySet<string>): Step {
  return { id: newId(type, taken), type, with: startingSettings(catalog, type) };
}

function startingSettings(catalog: Catalog, type: string): JsonObject {
  switch (type) {
    case WAIT:
      return { for: "P1D" };
    case STOP:
      return { outcome: "success", reason: "" };
    case BRANCH:
      return { paths: [{ name: "First path", when: { all: [] }, actions: [] }], otherwise: [] };
    default:
      return withoutPlaceholders(catalog, actionOf(catalog, type)?.example ?? {});
  }
}

/** An example as a start: templates and plain choices stay, ids of users and addresses of others go. */
function withoutPlaceholders(catalog: Catalog, example: JsonObject): JsonObject {
  const users = new Set(catalog.users.map((user) => user.id));
  const clean = (value: Json): Json => {
    if (typeof value === "string") {
      const placeholder = /^https?:\/\/[^/]*\.example(\/|$)/.test(value) || (/^u-\d+$/.test(value) && !users.has(value));
      return placeholder ? "" : value;
    }
    if (Array.isArray(value)) return value.map(clean).filter((each) => each !== "");
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, clean(each)]));
    return value;
  };
  return clean(example) as JsonObject;
}

/** The list at a path, made where the document has none. */
function listToChange(doc: WorkflowDocument, list: ListPath): Step[] {
  let holder: JsonObject | Json[] = doc;
  for (const key of list.slice(0, -1)) {
    const next: Json | undefined = (holder as Record<string | number, Json>)[key];
    if (!isObject(next) && !Array.isArray(next)) {
      const made: JsonObject = {};
      (holder as Record<string | number, Json>)[key] = made;
      holder = made;
    } else {
      holder = next;
    }
  }
  const last = list[list.length - 1] as string | number;
  const record = holder as Record<string | number, Json>;
  if (!Array.isArray(record[last])) record[last] = [];
  return record[last] as Step[];
}

export function insertStep(doc: WorkflowDocument, place: Place, step: Step): void {
  listToChange(doc, place.list).splice(place.index, 0, step);
}

/** Takes a step out, with everything inside. Gives where it stood, or null if there is no such step. */
export function removeStep(doc: WorkflowDocument, id: string): Place | null {
  const found = locate(doc, id);
  if (found === undefined) return null;
  listToChange(doc, found.at.list).splice(found.at.index, 1);
  return found.at;
}

/** Takes a branch out and puts the steps of one of its paths in its place. */
export function unwrapBranch(doc: WorkflowDocument, id: string, key: number | "otherwise"): void {
  const found = locate(doc, id);
  if (found === undefined) return;
  const kept = pathsOfBranch(found.step, found.at).find((path) => path.key === key)?.steps ?? [];
  const copies = JSON.parse(JSON.stringify(kept)) as Step[];
  listToChange(doc, found.at.list).splice(found.at.index, 1, ...copies);
}

/** Puts a copy behind a step. Gives the copy's id. */
export function duplicateStep(doc: WorkflowDocument, id: string): string | null {
  const found = locate(doc, id);
  if (found === undefined) return null;
  const copy = copyWithNewIds(found.step, idsIn(doc));
  insertStep(doc, { list: found.at.list, index: found.at.index + 1 }, copy);
  return idOf(copy);
}

/** May a step stand in a list? Not inside itself, and not deeper than the engine takes. */
export function mayMoveTo(doc: WorkflowDocument, id: string, place: Place): boolean {
  const found = locate(doc, id);
  if (found === undefined) return false;
  const self = [...found.at.list, found.at.index];
  const insideItself = self.every((key, index) => place.list[index] === key);
  return !insideItself && listDepth(place.list) + depthInside(found.step) <= NESTING_MAX;
}

/** How many branches stand around a list. */
export function listDepth(list: ListPath): number {
  return list.filter((key) => key === "with").length;
}

function depthInside(step: Step): number {
  if (typeOf(step) !== BRANCH) return 0;
  const below = pathsOfBranch(step, { list: ROOT, index: 0 }).flatMap((path) => path.steps.map(depthInside));
  return 1 + Math.max(0, ...below);
}

/** Moves a step to a place, as the document is before the move. Gives whether it moved. */
export function moveStep(doc: WorkflowDocument, id: string, place: Place): boolean {
  const found = locate(doc, id);
  if (found === undefined || !mayMoveTo(doc, id, place)) return false;
  const { list, index } = found.at;
  const sameList = samePath(list, place.list);
  if (sameList && (place.index === index || place.index === index + 1)) return false;
  // Taken out after the copy is in, so that no path on the way shifts; the list itself may be on the way.
  const step = JSON.parse(JSON.stringify(found.step)) as Step;
  const target = listToChange(doc, place.list);
  target.splice(place.index, 0, step);
  const from = sameList ? target : (valueAtPath(doc, shiftedBy(list, place)) as Step[]);
  from.splice(sameList && place.index <= index ? index + 1 : index, 1);
  return true;
}

/** A list's path after a step was put in at a place: an index behind it in the same list is one more. */
function shiftedBy(list: ListPath, place: Place): ListPath {
  const depth = place.list.length;
  const next = list[depth];
  const passes = samePath(list.slice(0, depth), place.list) && typeof next === "number" && next >= place.index;
  return passes ? [...list.slice(0, depth), (next as number) + 1, ...list.slice(depth + 1)] : list;
}

export function samePath(a: ListPath, b: ListPath): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index]);
}

/** Where Alt+↑ and Alt+↓ put a step: past its neighbour, into a branch that stands there, out at a path's edge. */
export function placeBy(doc: WorkflowDocument, id: string, by: -1 | 1): Place | null {
  const found = locate(doc, id);
  if (found === undefined) return null;
  const { list, index } = found.at;
  const steps = stepsAt(doc, list);
  const neighbour = steps[index + by];
  if (neighbour === undefined) return placeOutside(doc, list, by);
  if (typeOf(neighbour) === BRANCH) {
    const paths = pathsOfBranch(neighbour, { list, index: index + by });
    const path = by === 1 ? paths[0] : paths[0];
    if (path !== undefined) {
      const place = { list: path.list, index: by === 1 ? 0 : path.steps.length };
      if (mayMoveTo(doc, id, place)) return place;
    }
  }
  return { list, index: by === 1 ? index + 2 : index - 1 };
}

function placeOutside(doc: WorkflowDocument, list: ListPath, by: -1 | 1): Place | null {
  const branch = branchAround(list);
  if (branch === null) return null;
  const there = valueAtPath(doc, [...branch.list, branch.index]);
  return isObject(there) ? { list: branch.list, index: branch.index + (by === 1 ? 1 : 0) } : null;
}

/** Where the branch stands that holds a list; null at the root. */
export function branchAround(list: ListPath): Place | null {
  const at = list.lastIndexOf("with");
  const index = list[at - 1];
  return at > 0 && typeof index === "number" ? { list: list.slice(0, at - 1), index } : null;
}

/** Where Alt+← and Alt+→ put a step: into the neighbouring path, at the same height. */
export function placeBeside(doc: WorkflowDocument, id: string, by: -1 | 1): Place | null {
  const found = locate(doc, id);
  const branch = found === undefined ? null : branchAround(found.at.list);
  if (found === undefined || branch === null) return null;
  const step = valueAtPath(doc, [...branch.list, branch.index]);
  if (!isObject(step)) return null;
  const paths = pathsOfBranch(step, branch);
  const now = paths.findIndex((path) => samePath(path.list, found.at.list));
  const next = paths[now + by];
  return next === undefined ? null : { list: next.list, index: Math.min(found.at.index, next.steps.length) };
}

/** Sets one property of a step's settings; undefined takes it away. */
export function setSetting(doc: WorkflowDocument, id: string, property: string, value: Json | undefined): void {
  const step = locate(doc, id)?.step;
  if (step === undefined) return;
  if (!isObject(step["with"])) step["with"] = {};
  setKey(step["with"], property, value);
}

/** Sets a property of the step itself, such as retry or on_failure. */
export function setStepProperty(doc: WorkflowDocument, id: string, property: string, value: Json | undefined): void {
  const step = locate(doc, id)?.step;
  if (step !== undefined) setKey(step, property, value);
}

export function setKey(holder: JsonObject, key: string, value: Json | undefined): void {
  if (value === undefined) delete holder[key];
  else holder[key] = value;
}

function branchPaths(doc: WorkflowDocument, branchId: string): JsonObject[] | null {
  const step = locate(doc, branchId)?.step;
  if (step === undefined) return null;
  if (!isObject(step["with"])) step["with"] = {};
  if (!Array.isArray(step["with"]["paths"])) step["with"]["paths"] = [];
  return step["with"]["paths"] as JsonObject[];
}

export function addPath(doc: WorkflowDocument, branchId: string): number {
  const paths = branchPaths(doc, branchId);
  if (paths === null) return -1;
  paths.push({ name: `Path ${paths.length + 1}`, when: { all: [] }, actions: [] });
  return paths.length - 1;
}

export function removePath(doc: WorkflowDocument, branchId: string, index: number): void {
  branchPaths(doc, branchId)?.splice(index, 1);
}

export function movePath(doc: WorkflowDocument, branchId: string, index: number, by: -1 | 1): void {
  const paths = branchPaths(doc, branchId);
  const to = index + by;
  if (paths === null || to < 0 || to >= paths.length) return;
  const copy = JSON.parse(JSON.stringify(paths[index])) as JsonObject;
  paths.splice(index, 1);
  paths.splice(to, 0, copy);
}

export function setPath(
  doc: WorkflowDocument,
  branchId: string,
  index: number,
  property: "name" | "when",
  value: Json,
): void {
  const path = branchPaths(doc, branchId)?.[index];
  if (path !== undefined) path[property] = value;
}

/** How many steps a document has, those inside paths included. */
export function stepCount(doc: WorkflowDocument): number {
  return walk(doc).length;
}
