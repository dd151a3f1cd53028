/** Liquid templates as text and values in turn: what chips are drawn from. The string itself is never changed. */

export interface TextPart {
  kind: "text";
  text: string;
}

export interface ValuePart {
  kind: "value";
  raw: string;
  path: string;
  filters: string;
}

export interface TagPart {
  kind: "tag";
  raw: string;
}

export type TemplatePart = TextPart | ValuePart | TagPart;

const MARK = /\{\{-?\s*([^|}]*?)\s*(\|[^}]*?)?\s*-?\}\}|\{%[\s\S]*?%\}/g;

/** The parts of a template, in order; joined again they are the template. */
export function partsOf(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const found of template.matchAll(MARK)) {
    if (found.index > end) parts.push({ kind: "text", text: template.slice(end, found.index) });
    if (found[0].startsWith("{%")) parts.push({ kind: "tag", raw: found[0] });
    else
      parts.push({
        kind: "value",
        raw: found[0],
        path: found[1] ?? "",
        filters: (found[2] ?? "").slice(1).trim(),
      });
    end = found.index + found[0].length;
  }
  if (end < template.length) parts.push({ kind: "text", text: template.slice(end) });
  return parts;
}

/** Whether there is a `{{` without its `}}`. */
export function isUnclosed(template: string): boolean {
  const rest = template.replaceAll(MARK, "");
  return rest.includes("{{") || rest.includes("{%");
}

export interface Variable {
  path: string;
  label: string;
  group: string;
}

interface Known {
  fields: { name: string; label: string }[];
  recordWord: string;
  earlier: { id: string; label: string }[];
}

/** What a template of a step may name: the record, what it was, its owner, earlier steps, event and workflow. */
export function variablesAt({ fields, recordWord, earlier }: Known): Variable[] {
  const of = (root: string, group: string) =>
    fields.map((field) => ({ path: `${root}.${field.name}`, label: field.label, group }));
  return [
    ...of("record", recordWord),
    { path: "owner.name", label: "Owner's name", group: "Owner" },
    { path: "owner.email", label: "Owner's email", group: "Owner" },
    { path: "owner.id", label: "Owner's id", group: "Owner" },
    ...of("previous", "Before the change"),
    ...earlier.map((step) => ({
      path: `actions.${step.id}.receipt`,
      label: `${step.label}: receipt`,
      group: "Earlier steps",
    })),
    { path: "event.time", label: "Time of the event", group: "Event" },
    { path: "event.id", label: "Id of the event", group: "Event" },
    { path: "event.actor", label: "Who changed it", group: "Event" },
    { path: "workflow.name", label: "Name of the workflow", group: "Workflow" },
    { path: "run.id", label: "Id of the run", group: "Workflow" },
  ];
}

/** A value's name on its chip: the variable's label, else its path. */
export function chipLabel(path: string, variables: Variable[]): string {
  return variables.find((each) => each.path === path)?.label ?? path;
}
