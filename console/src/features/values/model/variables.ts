import type { Catalog, Schema } from "../../catalog";
import { actionOf, fieldLabel, moduleOf, nameInWords, recordNoun } from "../../catalog";
import { pathSteps, valueAt } from "./template";

/** A step that runs before the one whose field is edited. */
export interface EarlierStep {
  id: string;
  type: string;
  /** As the canvas numbers it: "1", or "3.2" inside a path. */
  number: string;
}

/** What templates may name at one place of a workflow. */
export interface Scope {
  catalog: Catalog;
  module: string;
  earlier: readonly EarlierStep[];
  /** What a chosen test record gives each variable, `{record, previous, owner, event, workflow, run, actions}`. */
  sample?: Record<string, unknown> | null;
}

export interface Variable {
  path: string;
  label: string;
  /** The value of the chosen test record, as a short text; null without one. */
  sample: string | null;
}

export interface VariableGroup {
  title: string;
  variables: Variable[];
}

const SAMPLE_LENGTH_MAX = 60; // characters; a row of the picker is one line

/** The groups of the picker, those of earlier steps among them. */
export function variablesAt(scope: Scope): VariableGroup[] {
  const { catalog, module } = scope;
  const noun = recordNoun(catalog, module);
  const Noun = noun.charAt(0).toUpperCase() + noun.slice(1);
  const names = fieldNames(catalog, module);
  const ofRecord = (root: string) =>
    names.map((name) => variable(scope, `${root}.${name}`));
  const inside = (root: string) =>
    (catalog.templates.variables[root] ?? [])
      .filter((name) => name !== "record")
      .map((name) => variable(scope, `${root}.${name}`));
  const groups: VariableGroup[] = [
    { title: `${Noun} as it is at this step`, variables: ofRecord("record") },
    { title: "Owner", variables: inside("owner") },
    ...scope.earlier.flatMap((step) => {
      const variables = receiptPaths(catalog, step.type).map((path) =>
        variable(scope, `actions.${step.id}.receipt.${path}`),
      );
      const label = actionOf(catalog, step.type)?.label ?? step.type;
      return variables.length > 0 ? [{ title: `${step.number} ${label}`, variables }] : [];
    }),
    { title: `${Noun} as it triggered`, variables: ofRecord("event.record") },
    { title: "Before the change", variables: ofRecord("previous") },
    { title: "Event", variables: inside("event") },
    { title: "Workflow", variables: inside("workflow") },
  ];
  return groups.filter((group) => group.variables.length > 0);
}

function fieldNames(catalog: Catalog, module: string): string[] {
  const names = moduleOf(catalog, module)?.fields.map((field) => field.name) ?? [];
  return names.includes("id") ? names : ["id", ...names];
}

const RECEIPTS: Record<string, string[]> = {
  // Until the catalog says it per action (`receipt`), what the engine's own actions answer.
  send_email: ["message_id"],
  create_task: ["task_id"],
  webhook: ["status", "body"],
};

function receiptPaths(catalog: Catalog, type: string): string[] {
  const schema: Schema | undefined = actionOf(catalog, type)?.receipt;
  return schema?.properties !== undefined ? Object.keys(schema.properties) : (RECEIPTS[type] ?? []);
}

function variable(scope: Scope, path: string): Variable {
  return { path, label: labelOf(scope, path), sample: sampleOf(scope, path) };
}

/** The value of the chosen test record, as a short text. */
export function sampleOf(scope: Scope, path: string): string | null {
  if (scope.sample === undefined || scope.sample === null) return null;
  const value = valueAt(scope.sample, path);
  if (value === undefined || value === null || value === "") return "empty";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > SAMPLE_LENGTH_MAX ? `${text.slice(0, SAMPLE_LENGTH_MAX - 1)}…` : text;
}

/** How a chip reads: "Name", "Owner's email", "Step 1: task id", "Name before". */
export function labelOf(scope: Scope, path: string): string {
  const steps = pathSteps(path);
  const [root, ...rest] = steps;
  const inside = rest.join(".");
  const field = (name: string) => fieldLabel(scope.catalog, scope.module, name);
  switch (root) {
    case "record":
      return inside === "" ? nameInWords(recordNoun(scope.catalog, scope.module)) : field(inside);
    case "previous":
      return `${field(inside)} before`;
    case "owner":
      return inside === "" ? "Owner" : `Owner’s ${nameInWords(inside).toLowerCase()}`;
    case "event":
      if (rest[0] === "record") return `${field(rest.slice(1).join("."))} as it triggered`;
      return `Event’s ${nameInWords(inside).toLowerCase()}`;
    case "workflow":
      return `Workflow’s ${nameInWords(inside).toLowerCase()}`;
    case "run":
      return `Run’s ${nameInWords(inside).toLowerCase()}`;
    case "actions": {
      const step = scope.earlier.find((each) => each.id === rest[0]);
      const what = rest.slice(rest[1] === "receipt" ? 2 : 1).join(" ");
      return `${step !== undefined ? `Step ${step.number}` : String(rest[0] ?? "step")}: ${nameInWords(what).toLowerCase()}`;
    }
    default:
      return path;
  }
}

/** Why a template can't, or perhaps doesn't, find a path; null if it is known. */
export function pathProblem(
  scope: Scope,
  path: string,
): { detail: string; severity: "error" | "warning" } | null {
  const [root, ...rest] = pathSteps(path);
  const variables = scope.catalog.templates.variables;
  if (typeof root !== "string" || !(root in variables)) {
    return { detail: `There is no variable “${path}”.`, severity: "error" };
  }
  if (rest.length === 0) return null;
  if (root === "actions") {
    return scope.earlier.some((step) => step.id === rest[0])
      ? null
      : { detail: `No step before this one has the id “${String(rest[0])}”.`, severity: "error" };
  }
  const inside = variables[root];
  if (Array.isArray(inside) && !inside.includes(String(rest[0]))) {
    return { detail: `“${root}” has no “${String(rest[0])}”; it has ${inside.join(", ")}.`, severity: "error" };
  }
  const ofRecord = root === "record" || root === "previous" ? rest : root === "event" && rest[0] === "record" ? rest.slice(1) : [];
  return ofRecord.length > 0 && !knowsField(scope, ofRecord)
    ? { detail: `The CRM’s catalog has no field “${ofRecord.join(".")}”.`, severity: "warning" }
    : null;
}

function knowsField(scope: Scope, steps: (string | number)[]): boolean {
  const module = moduleOf(scope.catalog, scope.module);
  if (module === undefined || steps[0] === "id") return true;
  const name = steps.join(".");
  return module.fields.some(
    (field) => field.name === name || name.startsWith(`${field.name}.`) || field.name.startsWith(`${name}.`),
  );
}
