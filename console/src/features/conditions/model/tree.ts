import type { Json, JsonObject } from "../../catalog";

/**
 * Conditions are groups `{all: […]}`, `{any: […]}`, `{not: node}` around comparisons `{field, op, value?}`.
 * Nodes are edited in place on an immer draft, at a path of keys below the root, so that keys nobody here
 * knows stay as they are.
 */
export type Condition = JsonObject;
export type ConditionPath = readonly (string | number)[];

/** How a group's head reads. `none` is `{not: {any: […]}}`. */
export type GroupKind = "all" | "any" | "none";

export interface Comparison {
  field: string;
  op: string;
  value?: Json;
}

/** Deeper groups are shown and edited, but none is added below. */
export const GROUP_DEPTH_MAX = 4;

export type View =
  | { kind: "group"; group: GroupKind; members: Condition[]; membersPath: ConditionPath }
  | { kind: "not"; member: Condition }
  | { kind: "comparison"; comparison: Comparison }
  | { kind: "unknown" };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a node is, as the editor shows it. */
export function viewOf(node: unknown): View {
  if (!isObject(node)) return { kind: "unknown" };
  for (const group of ["all", "any"] as const) {
    const members = node[group];
    if (Array.isArray(members)) {
      return { kind: "group", group, members: members as Condition[], membersPath: [group] };
    }
  }
  if ("not" in node) {
    const inside = node["not"];
    if (isObject(inside) && Array.isArray(inside["any"])) {
      return { kind: "group", group: "none", members: inside["any"] as Condition[], membersPath: ["not", "any"] };
    }
    return isObject(inside) ? { kind: "not", member: inside } : { kind: "unknown" };
  }
  if ("field" in node || "op" in node) {
    return { kind: "comparison", comparison: comparisonOf(node) };
  }
  return { kind: "unknown" };
}

function comparisonOf(node: JsonObject): Comparison {
  const field = typeof node["field"] === "string" ? node["field"] : "";
  const op = typeof node["op"] === "string" ? node["op"] : "";
  return "value" in node ? { field, op, value: node["value"] as Json } : { field, op };
}

export function groupOf(kind: GroupKind, members: Condition[]): Condition {
  return kind === "none" ? { not: { any: members } } : { [kind]: members };
}

/** The value at a path below a root, undefined where there is none. */
export function at(root: unknown, path: ConditionPath): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/** Every comparison of a tree, with its path. */
export function leaves(node: unknown, path: ConditionPath = []): { path: ConditionPath; comparison: Comparison }[] {
  const view = viewOf(node);
  switch (view.kind) {
    case "comparison":
      return [{ path, comparison: view.comparison }];
    case "group":
      return view.members.flatMap((member, index) => leaves(member, [...path, ...view.membersPath, index]));
    case "not":
      return leaves(view.member, [...path, "not"]);
    case "unknown":
      return [];
  }
}

/** The list of members that holds the node at a path, and its place there; null at the root or below a `not`. */
function placeOf(root: unknown, path: ConditionPath): { list: Condition[]; listPath: ConditionPath; index: number } | null {
  const index = path.at(-1);
  const listPath = path.slice(0, -1);
  const list = at(root, listPath);
  return typeof index === "number" && Array.isArray(list) ? { list: list as Condition[], listPath, index } : null;
}

/** Makes the root a group that can take members; a single comparison becomes the first of "all". */
export function asGroup(root: unknown): Condition {
  const view = viewOf(root);
  if (view.kind === "group") return root as Condition;
  return view.kind === "unknown" && !(isObject(root) && Object.keys(root).length > 0)
    ? { all: [] }
    : { all: [root as Condition] };
}

export function addMember(root: Condition, groupPath: ConditionPath, member: Condition): ConditionPath {
  const view = viewOf(at(root, groupPath));
  if (view.kind !== "group") return groupPath;
  view.members.push(member);
  return [...groupPath, ...view.membersPath, view.members.length - 1];
}

/** Changes between all, any and none; the members stay. */
export function setGroupKind(root: Condition, groupPath: ConditionPath, kind: GroupKind): Condition {
  const node = at(root, groupPath);
  const view = viewOf(node);
  if (view.kind !== "group" || view.group === kind) return root;
  return replaceAt(root, groupPath, groupOf(kind, view.members));
}

/** Puts another node in a place; gives back the root, which is another one at the empty path. */
export function replaceAt(root: Condition, path: ConditionPath, node: Condition): Condition {
  const key = path.at(-1);
  if (key === undefined) return node;
  (at(root, path.slice(0, -1)) as Record<string | number, Condition>)[key] = node;
  return root;
}

/** Takes a node out. A group that is left empty below the root goes with it. */
export function removeAt(root: Condition, path: ConditionPath): void {
  const place = placeOf(root, path);
  if (place === null) {
    if (path.length > 0) removeAt(root, path.slice(0, -1));
    return;
  }
  place.list.splice(place.index, 1);
  const group = groupPathOf(root, path);
  if (place.list.length === 0 && group !== null && group.length > 0) removeAt(root, group);
}

/** The path of the group that holds the node at a path: without `all`, `any` or `not any` and the index. */
export function groupPathOf(root: unknown, path: ConditionPath): ConditionPath | null {
  for (let length = path.length - 1; length >= 0; length -= 1) {
    const above = path.slice(0, length);
    const view = viewOf(at(root, above));
    if (view.kind === "group" && length + view.membersPath.length < path.length) return above;
  }
  return null;
}

export function duplicateAt(root: Condition, path: ConditionPath): ConditionPath {
  const place = placeOf(root, path);
  if (place === null) return path;
  place.list.splice(place.index + 1, 0, structuredClone(JSON.parse(JSON.stringify(place.list[place.index])) as Condition));
  return [...place.listPath, place.index + 1];
}

/** Puts a node into a group of its own, of the other kind than the group around it. */
export function wrapAt(root: Condition, path: ConditionPath): ConditionPath {
  const place = placeOf(root, path);
  if (place === null) return path;
  const around = groupPathOf(root, path);
  const view = around === null ? null : viewOf(at(root, around));
  const kind = view?.kind === "group" && view.group === "any" ? "all" : "any";
  place.list[place.index] = groupOf(kind, [place.list[place.index] as Condition]);
  return [...path, kind, 0];
}

/** How many groups stand around the node at a path. */
export function depthOf(root: unknown, path: ConditionPath): number {
  let depth = 0;
  for (let above = groupPathOf(root, path); above !== null; above = groupPathOf(root, above)) depth += 1;
  return depth;
}

/**
 * Moves a node one row up or down, as it is read: into a group that stands there, out of its group at the
 * group's edge. Gives the node's new path, or null where it can't move.
 */
export function moveBy(root: Condition, path: ConditionPath, by: -1 | 1): ConditionPath | null {
  const place = placeOf(root, path);
  if (place === null) return null;
  const next = place.index + by;
  const node = place.list[place.index] as Condition;
  if (next < 0 || next >= place.list.length) return moveOut(root, path, by);
  const neighbour = viewOf(place.list[next]);
  if (neighbour.kind === "group") {
    const holds = viewOf(node).kind === "group" ? depthBelow(node) : 0;
    if (depthOf(root, path) + 1 + holds <= GROUP_DEPTH_MAX) {
      place.list.splice(place.index, 1);
      const index = by === 1 ? 0 : neighbour.members.length;
      neighbour.members.splice(index, 0, node);
      const group = by === 1 ? place.index : next;
      return [...place.listPath, group, ...neighbour.membersPath, index];
    }
  }
  place.list.splice(place.index, 1);
  place.list.splice(next, 0, node);
  return [...place.listPath, next];
}

function moveOut(root: Condition, path: ConditionPath, by: -1 | 1): ConditionPath | null {
  const place = placeOf(root, path);
  const group = groupPathOf(root, path);
  if (place === null || group === null) return null;
  const around = placeOf(root, group);
  if (around === null) return null;
  const [node] = place.list.splice(place.index, 1);
  let index = around.index + (by === 1 ? 1 : 0);
  if (place.list.length === 0) {
    around.list.splice(around.index, 1);
    index = around.index;
  }
  around.list.splice(index, 0, node as Condition);
  return [...around.listPath, index];
}

function depthBelow(node: Condition): number {
  const view = viewOf(node);
  if (view.kind === "group") return 1 + Math.max(0, ...view.members.map(depthBelow));
  return view.kind === "not" ? depthBelow(view.member) : 0;
}
