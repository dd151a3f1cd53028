/** Which input a parameter of a step gets: by its name where that says more than its shape, else by its shape. */
import type { ActionKind, JsonSchema } from "../../../api/types";

export type Widget =
  | "template"
  | "long_template"
  | "html"
  | "recipients"
  | "users"
  | "user"
  | "stage"
  | "field"
  | "field_value"
  | "duration"
  | "url"
  | "secret"
  | "mail_template"
  | "pairs"
  | "json"
  | "enum"
  | "switch"
  | "number";

const NAMED: Record<string, Record<string, Widget>> = {
  send_email: {
    to: "recipients",
    cc: "recipients",
    bcc: "recipients",
    reply_to: "template",
    subject: "template",
    text: "long_template",
    html: "html",
    template: "mail_template",
  },
  create_task: {
    subject: "template",
    description: "long_template",
    assignee: "user",
    priority: "template",
    due_in: "duration",
    due_field: "field",
  },
  change_field: { field: "field", value: "field_value" },
  move_stage: { stage: "stage" },
  assign_owner: { owner: "user", round_robin: "users" },
  send_notification: { to: "users", message: "long_template" },
  webhook: {
    url: "url",
    headers: "pairs",
    form: "pairs",
    body: "json",
    raw: "long_template",
    secret: "secret",
    method: "enum",
  },
};

const LABELS: Record<string, string> = {
  to: "To",
  cc: "Cc",
  bcc: "Bcc",
  reply_to: "Reply to",
  text: "Message",
  html: "HTML",
  template: "Mail template",
  due_in: "Due in",
  due_field: "Due on the date in",
  round_robin: "In turn",
  url: "URL",
  raw: "Body as text",
  body: "JSON body",
  form: "Form",
  secret: "Signed with secret",
};

/** Parameters that few need: they stand under "More" until they have a value. */
const ADVANCED = new Set([
  "cc",
  "bcc",
  "reply_to",
  "html",
  "template",
  "due_field",
  "headers",
  "form",
  "raw",
  "secret",
]);

/** Parameters of which at most one group may be given. */
export interface Choice {
  label: string;
  options: { id: string; label: string; parameters: string[] }[];
}

const CHOICES: Record<string, Choice> = {
  send_email: {
    label: "Mail",
    options: [
      { id: "here", label: "Written here", parameters: ["subject", "text", "html"] },
      { id: "template", label: "From a template", parameters: ["template"] },
    ],
  },
  assign_owner: {
    label: "Owner",
    options: [
      { id: "one", label: "One person", parameters: ["owner"] },
      { id: "turn", label: "In turn", parameters: ["round_robin"] },
    ],
  },
  webhook: {
    label: "Body",
    options: [
      { id: "json", label: "JSON", parameters: ["body"] },
      { id: "form", label: "Form", parameters: ["form"] },
      { id: "raw", label: "Text", parameters: ["raw"] },
    ],
  },
};

export function choiceOf(type: string): Choice | null {
  return CHOICES[type] ?? null;
}

export function widgetFor(type: string, name: string, schema: JsonSchema): Widget {
  const named = NAMED[type]?.[name];
  if (named) return named;
  const shape = shapeOf(schema);
  if (shape.enum) return "enum";
  switch (Array.isArray(shape.type) ? shape.type[0] : shape.type) {
    case "boolean":
      return "switch";
    case "integer":
    case "number":
      return "number";
    case "string":
      return (shape.maxLength ?? 0) > 4_000 ? "long_template" : "template";
    default:
      return "json";
  }
}

/** The schema without "or nothing". */
export function shapeOf(schema: JsonSchema): JsonSchema {
  const inner = schema.anyOf?.find((each) => each.type !== "null");
  return inner ? { ...schema, ...inner } : schema;
}

export function labelOf(name: string, schema: JsonSchema): string {
  return LABELS[name] ?? schema.title ?? name;
}

export interface Parameter {
  name: string;
  schema: JsonSchema;
  required: boolean;
  advanced: boolean;
}

/** A step's parameters in the order of the catalog. */
export function parametersOf(kind: ActionKind): Parameter[] {
  const required = new Set(kind.parameters.required ?? []);
  return Object.entries(kind.parameters.properties ?? {}).map(([name, schema]) => ({
    name,
    schema,
    required: required.has(name),
    advanced: !required.has(name) && ADVANCED.has(name),
  }));
}

/** What is wrong with a value by its schema alone, in a sentence; null where nothing is. */
export function localProblem(value: unknown, { schema, required }: Parameter): string | null {
  const shape = shapeOf(schema);
  const missing =
    value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
  if (missing) return required ? "is required" : null;
  if (typeof value === "string" && shape.maxLength && value.length > shape.maxLength) {
    return `has more than ${shape.maxLength.toLocaleString("en")} characters`;
  }
  if (Array.isArray(value) && shape.maxItems && value.length > shape.maxItems)
    return `has more than ${shape.maxItems}`;
  return null;
}
