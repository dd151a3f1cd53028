import type { Catalog, Json, JsonObject } from "../../catalog";
import { actionOf, eventOf, fieldLabel, nameInWords, userName } from "../../catalog";
import { conditionInWords } from "../../conditions";
import { durationInWords } from "../../values";
import type { PropertyChange, StepRow } from "./diff";
import type { Step, WorkflowDocument } from "./document";
import { BRANCH, ROOT, STOP, WAIT, isObject, moduleOfDocument, pathsOfBranch, settingsOf, stepsAt, typeOf } from "./document";

/** A part of a sentence; strong parts are what the workflow says, the rest joins them. */
export interface Word {
  text: string;
  strong: boolean;
}

const STEPS_SAID_MAX = 12; // a sentence with more is no sentence

const strong = (text: string): Word => ({ text, strong: true });
const plain = (text: string): Word => ({ text, strong: false });

/** The whole workflow: "When lead is created and Source is Web Form: send email, then call webhook." */
export function workflowSentence(catalog: Catalog, doc: WorkflowDocument): Word[] {
  const module = moduleOfDocument(doc);
  const condition = conditionInWords(catalog, module, doc["conditions"]);
  const steps = stepsAt(doc, ROOT);
  return [
    plain("When "),
    strong(triggerInWords(catalog, doc)),
    ...(condition === "" ? [] : [plain(" and "), strong(condition)]),
    plain(": "),
    ...(steps.length === 0 ? [plain("nothing yet")] : stepWords(catalog, module, steps)),
    plain("."),
  ];
}

export function sentenceText(words: readonly Word[]): string {
  return words.map((word) => word.text).join("");
}

/** "lead is updated (Score, Amount)", "lead changes stage from New to Qualified". */
export function triggerInWords(catalog: Catalog, doc: WorkflowDocument): string {
  const trigger = isObject(doc["trigger"]) ? doc["trigger"] : {};
  const module = moduleOfDocument(doc);
  const event = typeof trigger["event"] === "string" ? trigger["event"] : "";
  if (module === "" || event === "") return "… happens";
  const label = eventOf(catalog, module, event)?.label ?? `${nameInWords(module)} ${nameInWords(event).toLowerCase()}`;
  const fields = Array.isArray(trigger["fields"]) ? trigger["fields"].filter((each) => typeof each === "string") : [];
  const narrow = fields.length > 0 ? ` (${fields.map((each) => fieldLabel(catalog, module, each)).join(", ")})` : "";
  const one = (value: Json | undefined) => (Array.isArray(value) ? value.join(" or ") : typeof value === "string" ? value : "");
  const from = one(trigger["from"]) === "" ? "" : ` from ${one(trigger["from"])}`;
  const to = one(trigger["to"]) === "" ? "" : ` to ${one(trigger["to"])}`;
  const becomes = trigger["when"] === "becomes_true" ? ", once the conditions become true" : "";
  return label.charAt(0).toLowerCase() + label.slice(1) + narrow + from + to + becomes;
}

function stepWords(catalog: Catalog, module: string, steps: readonly Step[]): Word[] {
  const said = steps.slice(0, STEPS_SAID_MAX);
  const more = steps.length - said.length;
  const words: Word[] = [];
  said.forEach((step, index) => {
    const last = index === said.length - 1 && more === 0;
    if (index > 0) words.push(plain(last ? ", then " : ", "));
    words.push(...oneStep(catalog, module, step));
  });
  if (more > 0) words.push(plain(` and ${more} more`));
  return words;
}

function oneStep(catalog: Catalog, module: string, step: Step): Word[] {
  if (typeOf(step) !== BRANCH) return [strong(lowerFirst(stepLabel(catalog, step)))];
  const words: Word[] = [];
  for (const path of pathsOfBranch(step, { list: ROOT, index: 0 })) {
    if (path.key === "otherwise" && path.steps.length === 0) continue;
    if (words.length > 0) words.push(plain("; "));
    if (path.key === "otherwise") words.push(plain("otherwise: "));
    else words.push(plain("if "), strong(conditionInWords(catalog, module, path.when) || path.name || "…"), plain(": "));
    words.push(...(path.steps.length === 0 ? [plain("nothing")] : stepWords(catalog, module, path.steps)));
  }
  return words;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

const DAY_NAMES: Record<string, string> = { mon: "Mon", tue: "Tue", wed: "Wed", thu: "Thu", fri: "Fri", sat: "Sat", sun: "Sun" };
const DAYS = Object.keys(DAY_NAMES);

/** What a step is called: an action's label, "Wait 2 days, then until Mon–Fri 09:00, Berlin", "Stop: success". */
export function stepLabel(catalog: Catalog, step: Step): string {
  switch (typeOf(step)) {
    case WAIT:
      return waitInWords(settingsOf(step));
    case STOP:
      return stopInWords(settingsOf(step));
    case BRANCH:
      return "Which way?";
    default:
      return actionOf(catalog, typeOf(step))?.label ?? nameInWords(typeOf(step) || "unknown step");
  }
}

export function waitInWords(settings: JsonObject): string {
  const { until, offset, at, time_zone: zone } = settings;
  const days = Array.isArray(settings["days"]) ? settings["days"].filter((day) => typeof day === "string") : [];
  const start =
    typeof settings["for"] === "string" && settings["for"] !== ""
      ? `Wait ${durationInWords(settings["for"])}`
      : typeof until === "string" && until !== ""
        ? `Wait until ${offsetInWords(offset)}${untilInWords(until)}`
        : "Wait …";
  const clock = typeof at === "string" && at !== "" ? at : "";
  const then = [days.length > 0 ? daysInWords(days) : "", clock].filter((part) => part !== "").join(" ");
  const where = typeof zone === "string" && zone !== "" ? `, ${zone.split("/").at(-1)?.replace(/_/g, " ")}` : "";
  return then === "" ? start : `${start}, then until ${then}${where}`;
}

function offsetInWords(offset: Json | undefined): string {
  if (typeof offset !== "string" || offset === "") return "";
  return offset.startsWith("-") ? `${durationInWords(offset)} before ` : `${durationInWords(offset)} after `;
}

function untilInWords(until: string): string {
  const field = /^\{\{\s*record\.([\w.]+)\s*\}\}$/.exec(until)?.[1];
  return field !== undefined ? nameInWords(field) : until;
}

/** Mon–Fri, or "Mon, Wed". */
export function daysInWords(days: readonly string[]): string {
  const sorted = DAYS.filter((day) => days.includes(day));
  const first = DAYS.indexOf(sorted[0] ?? "");
  const row = sorted.length > 2 && sorted.every((day, index) => DAYS[first + index] === day);
  const names = sorted.map((day) => DAY_NAMES[day] ?? day);
  return row ? `${names[0]}–${names.at(-1)}` : names.join(", ");
}

export function stopInWords(settings: JsonObject): string {
  const outcome = settings["outcome"] === "failed" ? "Stop as failed" : "Stop as success";
  const reason = settings["reason"];
  return typeof reason === "string" && reason !== "" ? `${outcome}: ${reason}` : outcome;
}

/** The line under a card's title and the one above it: what the step does with which values (templates stay). */
export function stepSummary(catalog: Catalog, module: string, step: Step): { title: string; detail: string } {
  const settings = settingsOf(step);
  const text = (name: string) => (typeof settings[name] === "string" ? (settings[name] as string) : "");
  const people = (name: string) =>
    (Array.isArray(settings[name]) ? settings[name] : []).map((each) => userName(catalog, String(each))).join(", ");
  switch (typeOf(step)) {
    case "send_email":
      return {
        title: text("template") !== "" ? `Template: ${text("template")}` : text("subject"),
        detail: people("to") === "" ? "" : `to ${people("to")}`,
      };
    case "create_task": {
      const due = text("due_in") !== "" ? `due in ${durationInWords(text("due_in"))}` : text("due_field") !== "" ? `due on ${fieldLabel(catalog, module, text("due_field"))}` : "";
      const assignee = text("assignee") === "" ? "" : `for ${userName(catalog, text("assignee"))}`;
      return { title: text("subject"), detail: [due, assignee].filter((part) => part !== "").join(" · ") };
    }
    case "change_field":
      return {
        title: text("field") === "" ? "" : `${fieldLabel(catalog, module, text("field"))} becomes ${settings["value"] === null ? "empty" : plainValue(settings["value"])}`,
        detail: "",
      };
    case "move_stage":
      return { title: text("stage") === "next" ? "To the next stage" : text("stage") === "" ? "" : `To ${text("stage")}`, detail: "" };
    case "assign_owner":
      return {
        title: text("owner") !== "" ? `To ${userName(catalog, text("owner"))}` : people("round_robin") === "" ? "" : `In turn to ${people("round_robin")}`,
        detail: "",
      };
    case "send_notification":
      return { title: text("message"), detail: people("to") === "" ? "" : `to ${people("to")}` };
    case "webhook":
      return { title: text("url") === "" ? "" : `${text("method") || "POST"} ${text("url")}`, detail: "" };
    default:
      return { title: "", detail: "" };
  }
}

function plainValue(value: Json | undefined): string {
  if (value === undefined) return "…";
  return typeof value === "string" ? value || "…" : JSON.stringify(value);
}

/** What happens when a step fails, as one sentence. */
export function failureInWords(step: Step): string {
  const retry = isObject(step["retry"]) ? step["retry"] : {};
  const attempts = typeof retry["attempts"] === "number" ? retry["attempts"] : 5;
  const tries = attempts <= 1 ? "tried once" : `tried ${attempts} times`;
  return `${tries}, then the run ${step["on_failure"] === "continue" ? "goes on" : "stops"}`;
}

/** A changed property's name: "Subject", "Conditions", "If it fails". */
export function propertyLabel(catalog: Catalog, type: string, property: string): string {
  const name = property.replace(/^with\./, "");
  const schema = actionOf(catalog, type)?.parameters.properties?.[name];
  return schema?.["x-ui"]?.label ?? schema?.title ?? nameInWords(name);
}

/** The changes of a draft as sentences, for the publish sheet. */
export function changesInWords(catalog: Catalog, changes: readonly PropertyChange[], steps: readonly StepRow[]): string[] {
  const said = changes.map(({ property }) => `${nameInWords(property)} changed`);
  for (const row of steps) {
    const located = row.after ?? row.before;
    if (row.kind === "same" || located === null) continue;
    const label = `Step ${located.number}, ${lowerFirst(stepLabel(catalog, located.step))}`;
    const names = row.properties.map((each) => propertyLabel(catalog, typeOf(located.step), each.property).toLowerCase());
    said.push(row.kind === "changed" ? `${label}: ${names.join(", ")} changed` : `${label}: ${row.kind}`);
  }
  return said;
}
