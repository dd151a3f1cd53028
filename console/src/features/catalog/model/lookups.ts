import type {
  Catalog,
  CatalogAction,
  CatalogEvent,
  CatalogField,
  CatalogModule,
  CatalogOperator,
} from "./catalog";
import { UNKNOWN_FIELD_TYPE } from "./catalog";

export function moduleOf(catalog: Catalog, module: string): CatalogModule | undefined {
  return catalog.modules.find((each) => each.module === module);
}

/** The singular label of a module, in small letters: "lead". */
export function recordNoun(catalog: Catalog, module: string): string {
  const trigger = catalog.triggers.find((each) => each.module === module);
  return (trigger?.label ?? "record").toLowerCase();
}

export function eventOf(catalog: Catalog, module: string, event: string): CatalogEvent | undefined {
  return catalog.triggers.find((each) => each.module === module)?.events.find((each) => each.event === event);
}

export function fieldOf(catalog: Catalog, module: string, name: string): CatalogField | undefined {
  return moduleOf(catalog, module)?.fields.find((each) => each.name === name);
}

/** The type of a field, `text` where the catalog doesn't know the field or its type. */
export function fieldTypeOf(catalog: Catalog, module: string, name: string): string {
  const type = EVENT_FIELDS.find((each) => each.name === name)?.type ?? fieldOf(catalog, module, name)?.type;
  return type !== undefined && type in catalog.field_types ? type : UNKNOWN_FIELD_TYPE;
}

/** What a condition may also look at: the event itself. */
export const EVENT_FIELDS: readonly CatalogField[] = [
  { name: "event.origin", label: "Event's origin", type: "picklist", options: ["ui", "api", "import", "workflow", "system"] },
  { name: "event.actor", label: "Event's actor", type: "user", options: [] },
  { name: "event.time", label: "Event's time", type: "datetime", options: [] },
];

/** A field's label, or its name in words where the catalog doesn't have it: `owner.team` is "Owner team". */
export function fieldLabel(catalog: Catalog, module: string, name: string): string {
  const known =
    fieldOf(catalog, module, name)?.label ?? EVENT_FIELDS.find((each) => each.name === name)?.label;
  return known ?? nameInWords(name);
}

export function nameInWords(name: string): string {
  const words = name.replace(/[._-]+/g, " ").trim();
  return words === "" ? name : words.charAt(0).toUpperCase() + words.slice(1);
}

/** The values a field may have, empty if any may be. The field `stage` has the module's stages. */
export function optionsOf(catalog: Catalog, module: string, name: string): readonly string[] {
  const field = fieldOf(catalog, module, name) ?? EVENT_FIELDS.find((each) => each.name === name);
  if (field !== undefined && field.options.length > 0) return field.options;
  return name === "stage" ? (moduleOf(catalog, module)?.stages ?? []) : [];
}

export function operatorOf(catalog: Catalog, op: string): CatalogOperator | undefined {
  return catalog.operators.find((each) => each.op === op);
}

/** The operators of a type of field, in the order they are offered. */
export function operatorsFor(catalog: Catalog, fieldType: string): CatalogOperator[] {
  const names = catalog.field_types[fieldType] ?? catalog.field_types[UNKNOWN_FIELD_TYPE] ?? [];
  return names.flatMap((name) => operatorOf(catalog, name) ?? []);
}

/** Operators over the change stand under a heading of their own. */
export function looksAtChange(op: string): boolean {
  return op.startsWith("changed") || op === "not_changed" || op === "increased" || op === "decreased";
}

export function actionOf(catalog: Catalog, type: string): CatalogAction | undefined {
  return catalog.actions.find((each) => each.type === type);
}

export function userName(catalog: Catalog, id: string): string {
  return catalog.users.find((each) => each.id === id)?.name || id;
}
