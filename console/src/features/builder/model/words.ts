/** A workflow in words: what people read on cards, in lists and above the canvas. */
import type { Catalog, CatalogField, Operator } from "../../../api/types";
import {
  type Comparison,
  type Condition,
  type Document,
  groupOf,
  isComparison,
  type Step,
  type Trigger,
} from "./document";
import { durationWords } from "./duration";
import { partsOf } from "./template";

const MODULE_ONE: Record<string, string> = {
  leads: "Lead",
  opportunities: "Opportunity",
  contacts: "Contact",
  accounts: "Account",
  tasks: "Task",
  invoices: "Invoice",
};

export function moduleWord(module: string | undefined): string {
  return module ? (MODULE_ONE[module] ?? module) : "Record";
}

/** "Lead is created", "Opportunity is updated (Amount)". */
export function triggerWords(trigger: Trigger | undefined, catalog: Catalog | undefined): string {
  if (!trigger?.module || !trigger.event) return "";
  const known = catalog?.triggers.find((each) => each.module === trigger.module);
  const label = known?.events.find((each) => each.event === trigger.event)?.label;
  const event = label ?? `${moduleWord(trigger.module)} ${trigger.event.replaceAll("_", " ")}`;
  const fields = fieldsOf(catalog, trigger.module);
  const narrowed = [
    ...(trigger.fields ?? []).map((name) => fieldLabel(name, fields)),
    ...(trigger.from ? [`from ${list(trigger.from)}`] : []),
    ...(trigger.to ? [`to ${list(trigger.to)}`] : []),
  ];
  return narrowed.length ? `${event} (${narrowed.join(", ")})` : event;
}

const list = (value: string | string[]) => (Array.isArray(value) ? value.join(" or ") : value);

export function fieldsOf(catalog: Catalog | undefined, module: string | undefined): CatalogField[] {
  return catalog?.modules.find((each) => each.module === module)?.fields ?? [];
}

/** The label of a field, else its path made readable. */
export function fieldLabel(path: string, fields: CatalogField[]): string {
  const known = fields.find((each) => each.name === path);
  if (known) return known.label;
  const words = path.split(/[._]/).filter(Boolean).join(" ");
  return words ? words[0]!.toUpperCase() + words.slice(1) : "…";
}

/** "Amount is greater than 50,000". */
export function comparisonWords(
  comparison: Comparison,
  fields: CatalogField[],
  operators: Operator[],
): string {
  const operator = operators.find((each) => each.op === comparison.op);
  const label = operator?.label ?? comparison.op ?? "…";
  const value = operator?.takes === "nothing" ? "" : ` ${valueWords(comparison.value, operator, fields)}`;
  return `${fieldLabel(comparison.field ?? "", fields)} ${label}${value}`;
}

/** A value as people read it. */
export function valueWords(value: unknown, operator?: Operator, fields: CatalogField[] = []): string {
  if (value === undefined || value === null || value === "") return "…";
  if (typeof value === "number") return value.toLocaleString("en");
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") return operator?.takes === "duration" ? durationWords(value) : value;
  if (Array.isArray(value)) {
    const joint = operator?.takes === "range" ? " and " : ", ";
    return value.map((each) => valueWords(each)).join(joint) || "…";
  }
  const object = value as Record<string, unknown>;
  if (typeof object.field === "string") return fieldLabel(object.field, fields);
  if ("from" in object || "to" in object) return `${valueWords(object.from)} to ${valueWords(object.to)}`;
  return JSON.stringify(value);
}

/** A condition as one sentence. */
export function conditionWords(condition: Condition, fields: CatalogField[], operators: Operator[]): string {
  if (isComparison(condition)) return comparisonWords(condition, fields, operators);
  const group = groupOf(condition);
  if (!group) return "…";
  const inner = group.members.map((member) => {
    const words = conditionWords(member, fields, operators);
    return isComparison(member) || groupOf(member)?.members.length === 1 ? words : `(${words})`;
  });
  if (inner.length === 0) return "…";
  if (group.kind === "not") return `not (${inner.join(" or ")})`;
  return inner.join(group.kind === "all" ? " and " : " or ");
}

/** The kind of a step. */
export function stepLabel(step: Pick<Step, "type">, catalog: Catalog | undefined): string {
  return catalog?.actions.find((each) => each.type === step.type)?.label ?? step.type.replaceAll("_", " ");
}

const SUMMARY_OF: Record<string, (parameters: Record<string, unknown>) => unknown> = {
  send_email: (p) => p.template ?? p.subject,
  create_task: (p) => p.subject,
  change_field: (p) =>
    p.field ? `${p.field} = ${p.value === null ? "empty" : String(p.value ?? "…")}` : undefined,
  move_stage: (p) => p.stage,
  assign_owner: (p) =>
    p.owner ?? (Array.isArray(p.round_robin) ? `in turn: ${p.round_robin.join(", ")}` : undefined),
  send_notification: (p) => p.message,
  webhook: (p) => (p.url ? `${p.method ?? "POST"} ${p.url}` : undefined),
};

/** The line under a step's name: its subject, address, field; templates stay as they are written. */
export function stepSummary(step: Step): string {
  const summary = SUMMARY_OF[step.type]?.(step.with ?? {});
  return typeof summary === "string" ? summary : "";
}

/** The whole workflow in one sentence. */
export function sentence(document: Document, catalog: Catalog | undefined): string {
  const trigger = triggerWords(document.trigger, catalog);
  if (!trigger) return "";
  const fields = fieldsOf(catalog, document.trigger?.module);
  const condition = document.conditions
    ? ` and ${conditionWords(document.conditions, fields, catalog?.operators ?? [])}`
    : "";
  const steps = (document.actions ?? []).map((step) => {
    const label = stepLabel(step, catalog);
    return label.charAt(0).toLowerCase() + label.slice(1);
  });
  const what = steps.length ? `: ${steps.join(", then ")}` : "";
  return `When ${trigger.charAt(0).toLowerCase() + trigger.slice(1)}${condition}${what}.`;
}

/** A template without its marks, for a line of text. */
export function templateWords(template: string, label: (path: string) => string): string {
  return partsOf(template)
    .map((part) => (part.kind === "text" ? part.text : part.kind === "value" ? label(part.path) : ""))
    .join("");
}
