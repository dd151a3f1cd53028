import type { Json, JsonObject } from "../../catalog";

/** One step as it stands in a document. Keys that nobody here knows stay as they are. */
export type Step = JsonObject;

/** A workflow's document. A draft may be unfinished: every part may be missing or of another shape. */
export type WorkflowDocument = JsonObject;

/** Where a list of steps stands: ["actions"], or ["actions", 3, "with", "paths", 1, "actions"]. */
export type ListPath = readonly (string | number)[];

/** A place between steps: before the step at `index` of a list. */
export interface Place {
  list: ListPath;
  index: number;
}

export const ROOT: ListPath = ["actions"];
export const BRANCH = "branch";
export const WAIT = "wait";
export const STOP = "stop";
export const CONTROL_TYPES: readonly string[] = [BRANCH, WAIT, STOP];
/** Lists inside lists of lists; the engine takes no deeper ones. */
export const NESTING_MAX = 5;
export const STEPS_MAX = 100;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function typeOf(step: Step): string {
  return typeof step["type"] === "string" ? step["type"] : "";
}

export function idOf(step: Step): string {
  return typeof step["id"] === "string" ? step["id"] : "";
}

export function settingsOf(step: Step): JsonObject {
  return isObject(step["with"]) ? step["with"] : {};
}

export function moduleOfDocument(doc: WorkflowDocument): string {
  const trigger = doc["trigger"];
  return isObject(trigger) && typeof trigger["module"] === "string" ? trigger["module"] : "";
}

export function valueAtPath(root: unknown, path: ListPath): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

/** The steps of a list; none where the document has no list there. */
export function stepsAt(doc: WorkflowDocument, list: ListPath): Step[] {
  const found = valueAtPath(doc, list);
  return Array.isArray(found) ? (found as Json[]).filter(isObject) : [];
}

export interface BranchPath {
  /** Number in `paths`, or "otherwise". */
  key: number | "otherwise";
  name: string;
  when: Json | undefined;
  list: ListPath;
  steps: Step[];
}

/** The paths of a branch that stands at a place, `otherwise` last, which is also there when it is absent. */
export function pathsOfBranch(step: Step, at: Place): BranchPath[] {
  const settings = settingsOf(step);
  const base = [...at.list, at.index, "with"];
  const paths = Array.isArray(settings["paths"]) ? settings["paths"] : [];
  const steps = (value: Json | undefined) => (Array.isArray(value) ? value.filter(isObject) : []);
  return [
    ...paths.filter(isObject).map(
      (path, key): BranchPath => ({
        key,
        name: typeof path["name"] === "string" ? path["name"] : "",
        when: path["when"],
        list: [...base, "paths", key, "actions"],
        steps: steps(path["actions"]),
      }),
    ),
    {
      key: "otherwise",
      name: "Otherwise",
      when: undefined,
      list: [...base, "otherwise"],
      steps: steps(settings["otherwise"]),
    },
  ];
}

export interface Located {
  step: Step;
  at: Place;
  /** 0 for the steps of the workflow itself. */
  depth: number;
  /** As the canvas numbers it: "3", "3.1" for the first step of any path of step 3. */
  number: string;
  /** The branch and path that hold the step; null at the root. */
  inside: { branchId: string; key: number | "otherwise" } | null;
}

/** Every step of a document in document order, those inside branches after their branch. */
export function walk(doc: WorkflowDocument): Located[] {
  const found: Located[] = [];
  const visit = (steps: Step[], list: ListPath, depth: number, prefix: string, inside: Located["inside"]) => {
    steps.forEach((step, index) => {
      const number = `${prefix}${index + 1}`;
      const at = { list, index };
      found.push({ step, at, depth, number, inside });
      if (typeOf(step) !== BRANCH || depth >= DEPTH_WALKED_MAX) return;
      for (const path of pathsOfBranch(step, at)) {
        visit(path.steps, path.list, depth + 1, `${number}.`, { branchId: idOf(step), key: path.key });
      }
    });
  };
  visit(stepsAt(doc, ROOT), ROOT, 0, "", null);
  return found;
}

/** Deeper documents can't be published; nothing here may recurse without an end. */
const DEPTH_WALKED_MAX = 32;

export function locate(doc: WorkflowDocument, id: string): Located | undefined {
  return walk(doc).find((each) => idOf(each.step) === id);
}

export function pointerOf(path: ListPath): string {
  return path.map((key) => `/${String(key).replace(/~/g, "~0").replace(/\//g, "~1")}`).join("");
}

/** The steps that have run before the one with an id: those above it in its list, and above each list around it. */
export function stepsBefore(all: readonly Located[], id: string): Located[] {
  const target = all.find((each) => idOf(each.step) === id);
  if (target === undefined) return [];
  const path = [...target.at.list, target.at.index];
  return all.filter((each) => {
    if (each === target) return false;
    const { list, index } = each.at;
    const next = path[list.length];
    return typeof next === "number" && index < next && list.every((key, place) => path[place] === key);
  });
}
