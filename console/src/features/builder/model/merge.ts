import type { Json, JsonObject } from "../../catalog";
import type { ListPath, Step, WorkflowDocument } from "./document";
import { BRANCH, ROOT, idOf, isObject, pathsOfBranch, typeOf, walk } from "./document";
import { locate } from "./document";
import { insertStep, removeStep, setKey } from "./edits";
import { sameJson } from "./problems";

/**
 * Three-way merge of two edits of one document: by action id, and by property inside an action. Two edits
 * clash where both changed the same property to something different.
 */
export interface Clash {
  /** An action's id, or "" for the workflow itself. */
  id: string;
  /** "with.subject", "conditions", "name"; "place" for where a step stands, "step" for the step itself. */
  property: string;
  mine: Json | undefined;
  theirs: Json | undefined;
}

export interface Merged {
  doc: WorkflowDocument;
  clashes: Clash[];
  /** Ids of the actions ("" for the workflow) that theirs changed. */
  theirsChanged: string[];
}

/** The properties of a step that merge one by one: its own but `with`, those in `with` but nested lists. */
function propertiesOf(step: Step): Map<string, Json> {
  const found = new Map<string, Json>();
  for (const [key, value] of Object.entries(step)) {
    if (key === "id") continue;
    if (key !== "with" || !isObject(value)) {
      found.set(key, value);
      continue;
    }
    for (const [name, inside] of Object.entries(value)) {
      if (typeOf(step) === BRANCH && name === "otherwise") continue;
      found.set(`with.${name}`, typeOf(step) === BRANCH && name === "paths" ? withoutSteps(inside) : inside);
    }
  }
  return found;
}

/** The paths of a branch without their steps, which merge by their own ids. */
function withoutSteps(paths: Json): Json {
  if (!Array.isArray(paths)) return paths;
  return paths.map((path) => {
    if (!isObject(path)) return path;
    const { actions: _, ...rest } = path;
    return rest;
  });
}

/** Where each step stands: the list's holder by id, and the id before it. Survives moves of what is around. */
function places(doc: WorkflowDocument): Map<string, { holder: string; after: string }> {
  const found = new Map<string, { holder: string; after: string }>();
  for (const { step, inside, at } of walk(doc)) {
    const holder = inside === null ? "" : `${inside.branchId}/${inside.key}`;
    const before = walk(doc).find((each) => each.at.index === at.index - 1 && each.at.list.join("/") === at.list.join("/"));
    found.set(idOf(step), { holder, after: before === undefined ? "" : idOf(before.step) });
  }
  return found;
}

const WORKFLOW_KEYS_BY_STEP = new Set(["actions"]);

/** Mine with theirs put in. What clashes keeps mine, and is listed. */
export function merged(base: WorkflowDocument, mine: WorkflowDocument, theirs: WorkflowDocument): Merged {
  const doc = JSON.parse(JSON.stringify(mine)) as WorkflowDocument;
  const clashes: Clash[] = [];
  const theirsChanged = new Set<string>();
  mergeProperties("", topLevel(base), topLevel(mine), topLevel(theirs), (key, value) => setKey(doc, key, value), clashes, theirsChanged);
  mergeSteps(base, mine, theirs, doc, clashes, theirsChanged);
  return { doc, clashes, theirsChanged: [...theirsChanged] };
}

function topLevel(doc: WorkflowDocument): Map<string, Json> {
  return new Map(Object.entries(doc).filter(([key]) => !WORKFLOW_KEYS_BY_STEP.has(key)));
}

function mergeProperties(
  id: string,
  base: Map<string, Json>,
  mine: Map<string, Json>,
  theirs: Map<string, Json>,
  set: (key: string, value: Json | undefined) => void,
  clashes: Clash[],
  changed: Set<string>,
): void {
  for (const key of new Set([...base.keys(), ...theirs.keys()])) {
    const [was, my, their] = [base.get(key), mine.get(key), theirs.get(key)];
    if (sameJson(was, their)) continue;
    changed.add(id);
    if (sameJson(my, their)) continue;
    if (sameJson(was, my)) set(key, their);
    else clashes.push({ id, property: key, mine: my, theirs: their });
  }
}

function mergeSteps(
  base: WorkflowDocument,
  mine: WorkflowDocument,
  theirs: WorkflowDocument,
  doc: WorkflowDocument,
  clashes: Clash[],
  changed: Set<string>,
): void {
  const steps = (of: WorkflowDocument) => new Map(walk(of).map((each) => [idOf(each.step), each]));
  const [inBase, inMine, inTheirs] = [steps(base), steps(mine), steps(theirs)];
  const [placeBase, placeMine, placeTheirs] = [places(base), places(mine), places(theirs)];
  for (const [id, located] of inTheirs) {
    const was = inBase.get(id);
    const my = inMine.get(id);
    if (was === undefined) {
      changed.add(id);
      if (my === undefined) putLikeTheirs(doc, theirs, id, emptied(located.step));
      else if (!sameJson(my.step, located.step)) clashes.push({ id, property: "step", mine: my.step, theirs: located.step });
      continue;
    }
    if (my === undefined) {
      if (!sameJson(was.step, located.step)) {
        changed.add(id);
        clashes.push({ id, property: "step", mine: undefined, theirs: located.step });
      }
      continue;
    }
    const target = locate(doc, id)?.step;
    if (target === undefined) continue;
    const set = (key: string, value: Json | undefined) => setProperty(target, key, value);
    mergeProperties(id, propertiesOf(was.step), propertiesOf(my.step), propertiesOf(located.step), set, clashes, changed);
    mergePlace(id, placeBase, placeMine, placeTheirs, doc, theirs, clashes, changed);
  }
  for (const [id, was] of inBase) {
    const my = inMine.get(id);
    if (inTheirs.has(id) || my === undefined) continue;
    changed.add(id);
    if (sameJson(was.step, my.step)) removeStep(doc, id);
    else clashes.push({ id, property: "step", mine: my.step, theirs: undefined });
  }
}

function mergePlace(
  id: string,
  base: ReturnType<typeof places>,
  mine: ReturnType<typeof places>,
  theirs: ReturnType<typeof places>,
  doc: WorkflowDocument,
  theirDoc: WorkflowDocument,
  clashes: Clash[],
  changed: Set<string>,
): void {
  const [was, my, their] = [base.get(id), mine.get(id), theirs.get(id)];
  // A step whose neighbour came or went hasn't moved itself.
  const moved = (to: typeof was) =>
    to !== undefined && was !== undefined && (to.holder !== was.holder || (to.after !== was.after && wasThere(to.after, base) && wasThere(was.after, theirs)));
  if (!moved(their)) return;
  changed.add(id);
  if (sameJson(my, their)) return;
  if (moved(my) && my?.holder !== their?.holder) {
    clashes.push({ id, property: "place", mine: my?.holder ?? "", theirs: their?.holder ?? "" });
    return;
  }
  const step = locate(doc, id)?.step;
  if (step === undefined) return;
  const copy = JSON.parse(JSON.stringify(step)) as Step;
  removeStep(doc, id);
  putLikeTheirs(doc, theirDoc, id, copy);
}

function wasThere(id: string, places: Map<string, unknown>): boolean {
  return id === "" || places.has(id);
}

/** A step as theirs has it, but a branch without its steps: they are put in one by one. */
function emptied(step: Step): Step {
  const copy = JSON.parse(JSON.stringify(step)) as Step;
  if (typeOf(copy) !== BRANCH) return copy;
  for (const path of pathsOfBranch(copy, { list: ROOT, index: 0 })) path.steps.length = 0;
  const settings = copy["with"] as JsonObject;
  if (Array.isArray(settings["paths"])) {
    for (const path of settings["paths"]) if (isObject(path)) path["actions"] = [];
  }
  if ("otherwise" in settings) settings["otherwise"] = [];
  return copy;
}

/** Puts a step where theirs has it: after the nearest earlier neighbour that is there, else at the list's start. */
function putLikeTheirs(doc: WorkflowDocument, theirs: WorkflowDocument, id: string, step: Step): void {
  const located = locate(theirs, id);
  if (located === undefined) return;
  let list: ListPath = ROOT;
  if (located.inside !== null) {
    const branch = locate(doc, located.inside.branchId);
    if (branch === undefined) return;
    const key = located.inside.key;
    list = [...branch.at.list, branch.at.index, "with", ...(key === "otherwise" ? [key] : ["paths", key, "actions"])];
  }
  const neighbours = walk(theirs)
    .filter((each) => each.at.list.join("/") === located.at.list.join("/") && each.at.index < located.at.index)
    .map((each) => idOf(each.step))
    .reverse();
  for (const neighbour of neighbours) {
    const there = locate(doc, neighbour);
    if (there !== undefined && there.at.list.join("/") === list.join("/")) {
      insertStep(doc, { list, index: there.at.index + 1 }, step);
      return;
    }
  }
  insertStep(doc, { list, index: 0 }, step);
}

function setProperty(step: Step, key: string, value: Json | undefined): void {
  if (!key.startsWith("with.")) {
    setKey(step, key, value);
    return;
  }
  if (!isObject(step["with"])) step["with"] = {};
  const name = key.slice("with.".length);
  if (typeOf(step) !== BRANCH || name !== "paths" || !Array.isArray(value)) {
    setKey(step["with"], name, value);
    return;
  }
  const before = Array.isArray(step["with"]["paths"]) ? step["with"]["paths"] : [];
  step["with"]["paths"] = value.map((path, index) => {
    const old = before[index];
    const actions = isObject(old) && Array.isArray(old["actions"]) ? old["actions"] : [];
    return isObject(path) ? { ...path, actions } : path;
  });
}

/** The merged document with the chosen side of each clash: true takes theirs. */
export function settled(result: Merged, theirs: WorkflowDocument, takeTheirs: (clash: Clash) => boolean): WorkflowDocument {
  const doc = JSON.parse(JSON.stringify(result.doc)) as WorkflowDocument;
  for (const clash of result.clashes) {
    if (!takeTheirs(clash)) continue;
    if (clash.id === "") {
      setKey(doc, clash.property, clash.theirs);
    } else if (clash.property === "step" || clash.property === "place") {
      const current = locate(doc, clash.id)?.step;
      const step = clash.property === "place" ? current : isObject(clash.theirs) ? clash.theirs : undefined;
      const copy = step === undefined ? undefined : (JSON.parse(JSON.stringify(step)) as Step);
      removeStep(doc, clash.id);
      if (copy !== undefined) putLikeTheirs(doc, theirs, clash.id, copy);
    } else {
      const step = locate(doc, clash.id)?.step;
      if (step !== undefined) setProperty(step, clash.property, clash.theirs);
    }
  }
  return doc;
}
