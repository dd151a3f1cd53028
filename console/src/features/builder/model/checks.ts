import type { Catalog, Json, Schema } from "../../catalog";
import { actionOf, operatorOf } from "../../catalog";
import { leaves } from "../../conditions";
import type { Scope } from "../../values";
import { pathProblem, pieces } from "../../values";
import type { Located, WorkflowDocument } from "./document";
import {
  BRANCH,
  CONTROL_TYPES,
  STEPS_MAX,
  idOf,
  isObject,
  moduleOfDocument,
  pathsOfBranch,
  pointerOf,
  settingsOf,
  stepsBefore,
  typeOf,
  walk,
} from "./document";
import type { Problem } from "./problems";

/** What the page can tell of a document by itself, on every key; the server's checks come with each save. */
export function localProblems(catalog: Catalog, doc: WorkflowDocument): Problem[] {
  const problems: Problem[] = [];
  const steps = walk(doc);
  if (typeof doc["name"] !== "string" || doc["name"].trim() === "") problems.push(error("/name", "The workflow needs a name."));
  if (moduleOfDocument(doc) === "") problems.push(error("/trigger", "Choose what starts it."));
  if (steps.length === 0) problems.push(error("/actions", "Add at least one step."));
  if (steps.length > STEPS_MAX) problems.push(error("/actions", `At most ${STEPS_MAX} steps; there are ${steps.length}.`));
  problems.push(...conditionProblems(catalog, doc["conditions"], "/conditions"));
  for (const located of steps) problems.push(...stepProblems(catalog, doc, steps, located));
  return problems;
}

function error(pointer: string, detail: string): Problem {
  return { pointer, detail, severity: "error" };
}

/** What is missing in the comparisons of a tree. */
export function conditionProblems(catalog: Catalog, node: unknown, pointer: string): Problem[] {
  return leaves(node).flatMap(({ path, comparison }) => {
    const at = pointer + pointerOf(path);
    if (comparison.field === "") return [error(`${at}/field`, "Choose a field.")];
    if (comparison.op === "") return [error(`${at}/op`, "Choose how to compare.")];
    const takes = operatorOf(catalog, comparison.op)?.takes;
    return takes !== undefined && takes !== "nothing" && isIncomplete(comparison.value)
      ? [error(`${at}/value`, "Give a value to compare with.")]
      : [];
  });
}

function isIncomplete(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0 || value.some((each) => each === null || each === "");
  return isObject(value) && "from" in value && (isIncomplete(value["from"]) || isIncomplete(value["to"]));
}

const checkedSteps = new WeakMap<object, { key: string; problems: Problem[] }>();

/** A step's problems, kept by its value: a key pressed in one of fifty cards checks one card. */
function stepProblems(catalog: Catalog, doc: WorkflowDocument, all: readonly Located[], located: Located): Problem[] {
  const { step, at } = located;
  const pointer = pointerOf([...at.list, at.index]);
  const earlier = stepsBefore(all, idOf(step)).map((each) => ({ id: idOf(each.step), type: typeOf(each.step), number: each.number }));
  const key = `${pointer} ${moduleOfDocument(doc)} ${earlier.map((each) => each.id).join(" ")}`;
  const known = checkedSteps.get(step);
  if (known !== undefined && known.key === key) return known.problems;
  const scope: Scope = { catalog, module: moduleOfDocument(doc), earlier };
  const problems = CONTROL_TYPES.includes(typeOf(step))
    ? controlProblems(catalog, located, pointer, scope)
    : actionProblems(catalog, located, pointer, scope);
  checkedSteps.set(step, { key, problems });
  return problems;
}

function actionProblems(catalog: Catalog, { step }: Located, pointer: string, scope: Scope): Problem[] {
  const action = actionOf(catalog, typeOf(step));
  if (action === undefined) return [];
  const settings = settingsOf(step);
  const problems: Problem[] = [];
  for (const name of action.parameters.required ?? []) {
    if (isIncomplete(settings[name])) problems.push(error(`${pointer}/with/${name}`, `${titleOf(action.parameters, name)} is needed.`));
  }
  for (const [name, value] of Object.entries(settings)) {
    const schema = action.parameters.properties?.[name];
    const at = `${pointer}/with/${name}`;
    if (schema !== undefined) problems.push(...limitProblems(schema, value, at, titleOf(action.parameters, name)));
    problems.push(...templateProblems(scope, value, at));
  }
  return problems;
}

function titleOf(parameters: Schema, name: string): string {
  const schema = parameters.properties?.[name];
  return schema?.["x-ui"]?.label ?? schema?.title ?? name;
}

function limitProblems(schema: Schema, value: Json, pointer: string, title: string): Problem[] {
  const own = schema.anyOf?.find((each) => each.type !== "null") ?? schema;
  if (typeof value === "string" && own.maxLength !== undefined && value.length > own.maxLength) {
    return [error(pointer, `${title} is longer than ${own.maxLength} characters.`)];
  }
  if (Array.isArray(value) && own.maxItems !== undefined && value.length > own.maxItems) {
    return [error(pointer, `${title} takes at most ${own.maxItems}.`)];
  }
  if (own.enum !== undefined && typeof value === "string" && !own.enum.includes(value)) {
    return [error(pointer, `${title} is one of ${own.enum.join(", ")}.`)];
  }
  return [];
}

/** Unclosed braces and unknown paths in every text of a value. */
export function templateProblems(scope: Scope, value: Json, pointer: string): Problem[] {
  if (typeof value === "string") {
    for (const piece of pieces(value)) {
      if (piece.kind === "unclosed") return [error(pointer, `“${piece.raw.slice(0, 12)}” is not closed: add “${piece.raw.startsWith("{%") ? "%}" : "}}"}”.`)];
      const problem = piece.kind === "output" && piece.path !== null ? pathProblem(scope, piece.path) : null;
      if (problem !== null) return [{ pointer, ...problem }];
    }
    return [];
  }
  if (Array.isArray(value)) return value.flatMap((each, index) => templateProblems(scope, each, `${pointer}/${index}`));
  if (isObject(value)) return Object.entries(value).flatMap(([key, each]) => templateProblems(scope, each, pointer + pointerOf([key])));
  return [];
}

function controlProblems(catalog: Catalog, { step, at }: Located, pointer: string, scope: Scope): Problem[] {
  const settings = settingsOf(step);
  switch (typeOf(step)) {
    case BRANCH: {
      const paths = pathsOfBranch(step, at).filter((path) => path.key !== "otherwise");
      if (paths.length === 0) return [error(`${pointer}/with/paths`, "A branch needs at least one path.")];
      return paths.flatMap((path) => {
        const own = `${pointer}/with/paths/${path.key}`;
        const unnamed = path.name.trim() === "" ? [error(`${own}/name`, "The path needs a name.")] : [];
        const never = leaves(path.when).length === 0 ? [error(`${own}/when`, "Say when this path is taken.")] : [];
        return [...unnamed, ...never, ...conditionProblems(catalog, path.when, `${own}/when`)];
      });
    }
    case "wait":
      return isIncomplete(settings["for"]) && isIncomplete(settings["until"])
        ? [error(`${pointer}/with/for`, "Say how long, or until when.")]
        : templateProblems(scope, settings["until"] ?? "", `${pointer}/with/until`);
    default:
      return settings["outcome"] === "success" || settings["outcome"] === "failed"
        ? []
        : [error(`${pointer}/with/outcome`, "Say whether the run ends as success or failed.")];
  }
}
