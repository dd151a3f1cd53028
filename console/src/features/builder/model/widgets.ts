import type { Schema } from "../../catalog";

/** The inputs that settings are edited with. What no widget fits is a JSON field. */
export const WIDGETS = [
  "text",
  "template",
  "long_template",
  "html",
  "recipients",
  "users",
  "user",
  "stage",
  "field",
  "value_of_field",
  "duration",
  "url",
  "secret",
  "mail_template",
  "key_values",
  "json",
  "enum",
  "number",
  "switch",
] as const;
export type Widget = (typeof WIDGETS)[number];

/** Until the catalog's `x-ui` says it: what the engine's own actions need beyond the shape of a schema. */
const BY_NAME: Record<string, Widget> = {
  "send_email.to": "recipients",
  "send_email.cc": "recipients",
  "send_email.bcc": "recipients",
  "send_email.text": "long_template",
  "send_email.html": "html",
  "send_email.template": "mail_template",
  "create_task.description": "long_template",
  "create_task.assignee": "user",
  "create_task.due_in": "duration",
  "create_task.due_field": "field",
  "change_field.field": "field",
  "change_field.value": "value_of_field",
  "move_stage.stage": "stage",
  "assign_owner.owner": "user",
  "assign_owner.round_robin": "users",
  "send_notification.to": "users",
  "send_notification.message": "long_template",
  "webhook.url": "url",
  "webhook.headers": "key_values",
  "webhook.form": "key_values",
  "webhook.raw": "long_template",
  "webhook.body": "json",
  "webhook.secret": "secret",
};

const LONG_TEXT_FROM = 10_000; // characters: a property that takes more is written on several lines

export function widgetFor(action: string, property: string, schema: Schema): Widget {
  const hinted = schema["x-ui"]?.widget?.replace(/-/g, "_");
  if (isWidget(hinted)) return hinted;
  return BY_NAME[`${action}.${property}`] ?? byShape(schema);
}

function isWidget(name: string | undefined): name is Widget {
  return (WIDGETS as readonly (string | undefined)[]).includes(name);
}

function byShape(schema: Schema): Widget {
  const own = ownSchema(schema);
  if (own.enum !== undefined) return "enum";
  switch (own.type) {
    case "boolean":
      return "switch";
    case "integer":
    case "number":
      return "number";
    case "string":
      return (own.maxLength ?? 0) > LONG_TEXT_FROM ? "long_template" : "template";
    case "object":
      return typeof own.additionalProperties === "object" && own.additionalProperties.type === "string" ? "key_values" : "json";
    default:
      return "json";
  }
}

/** A schema without its "or null". */
export function ownSchema(schema: Schema): Schema {
  return schema.anyOf?.find((each) => each.type !== "null") ?? schema;
}

/** Properties of which one is given: the others' values are kept until saved. */
export interface OneOf {
  label: string;
  choices: { label: string; properties: string[] }[];
}

const ONE_OF: Record<string, OneOf> = {
  send_email: {
    label: "Mail",
    choices: [
      { label: "Written here", properties: ["subject", "text", "html"] },
      { label: "Template", properties: ["template"] },
    ],
  },
  create_task: {
    label: "Due",
    choices: [
      { label: "After a while", properties: ["due_in"] },
      { label: "On a field’s date", properties: ["due_field"] },
    ],
  },
  assign_owner: {
    label: "New owner",
    choices: [
      { label: "One person", properties: ["owner"] },
      { label: "In turn", properties: ["round_robin"] },
    ],
  },
  webhook: {
    label: "Body",
    choices: [
      { label: "JSON", properties: ["body"] },
      { label: "Form", properties: ["form"] },
      { label: "Raw", properties: ["raw"] },
    ],
  },
};

export function oneOfGroup(action: string): OneOf | undefined {
  return ONE_OF[action];
}

const ADVANCED = new Set(["send_email.cc", "send_email.bcc", "send_email.reply_to", "send_email.html", "create_task.description", "create_task.priority", "webhook.headers", "webhook.secret"]);

/** Does a property stand under "More" while it has no value? */
export function isAdvanced(action: string, property: string, schema: Schema): boolean {
  return schema["x-ui"]?.advanced ?? ADVANCED.has(`${action}.${property}`);
}

const LABELS: Record<string, string> = {
  "send_email.text": "Message",
  "send_email.html": "HTML message",
  "send_email.reply_to": "Reply to",
  "create_task.due_in": "Due in",
  "create_task.due_field": "Date field",
  "assign_owner.round_robin": "People",
  "webhook.url": "Address",
  "webhook.secret": "Signing secret",
  "webhook.body": "JSON body",
};

export function labelFor(action: string, property: string, schema: Schema): string {
  return schema["x-ui"]?.label ?? LABELS[`${action}.${property}`] ?? schema.title ?? property;
}
