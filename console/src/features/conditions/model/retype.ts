import type { Catalog, CatalogOperator, Json, Takes } from "../../catalog";
import { fieldTypeOf, operatorOf, operatorsFor, optionsOf } from "../../catalog";
import { durationParts } from "../../values";
import type { Comparison } from "./tree";
import { isObject } from "./tree";

/** A comparison after its field or operator changed, and whether something had to be reset. */
export interface Retyped {
  comparison: Comparison;
  reset: boolean;
}

const NUMERIC = new Set(["number", "money"]);
const DATED = new Set(["date", "datetime"]);
const ISO_DATE = /^\d{4}-\d{2}-\d{2}/;

export function isFieldReference(value: unknown): value is { field: string } {
  return isObject(value) && typeof value["field"] === "string" && Object.keys(value).length === 1;
}

/** The comparison on another field: operator and value stay if they still fit. */
export function withField(catalog: Catalog, module: string, before: Comparison, field: string): Retyped {
  const type = fieldTypeOf(catalog, module, field);
  const offered = operatorsFor(catalog, type);
  const keeps = offered.find((operator) => operator.op === before.op);
  const operator = keeps ?? offered[0];
  if (operator === undefined) return { comparison: { ...before, field }, reset: false };
  if (fits(catalog, module, field, operator, before.value)) {
    return { comparison: withValue({ ...before, field, op: operator.op }, operator, before.value), reset: keeps === undefined };
  }
  const value = emptyValue(operator.takes, type, optionsOf(catalog, module, field));
  const reset = keeps === undefined || hasContent(before.value);
  return { comparison: withValue({ ...before, field, op: operator.op }, operator, value), reset };
}

/** The comparison with another operator: the value is turned into what it takes, where that can be done. */
export function withOperator(catalog: Catalog, module: string, before: Comparison, op: string): Comparison {
  const operator = operatorOf(catalog, op);
  if (operator === undefined) return { ...before, op };
  const type = fieldTypeOf(catalog, module, before.field);
  const old = operatorOf(catalog, before.op)?.takes ?? "nothing";
  const turned = turnValue(before.value, old, operator.takes);
  const value =
    turned !== undefined && fits(catalog, module, before.field, operator, turned)
      ? turned
      : emptyValue(operator.takes, type, optionsOf(catalog, module, before.field));
  return withValue({ ...before, op }, operator, value);
}

function withValue(comparison: Comparison, operator: CatalogOperator, value: Json | undefined): Comparison {
  const { value: _, ...rest } = comparison;
  return operator.takes === "nothing" || value === undefined ? rest : { ...rest, value };
}

function turnValue(value: Json | undefined, from: Takes, to: Takes): Json | undefined {
  if (value === undefined || from === to || isFieldReference(value)) return value;
  if (to === "list") return Array.isArray(value) ? value : isObject(value) ? undefined : [value];
  if (from === "list" && Array.isArray(value)) return to === "range" ? undefined : value[0];
  if (from === "range" && Array.isArray(value)) return value[0];
  if (from === "from_to" && isObject(value)) return value["to"];
  if (to === "from_to") return isObject(value) ? undefined : { from: null, to: value };
  return value;
}

/** What a comparison starts with before anything is typed. */
export function emptyValue(takes: Takes, fieldType: string, options: readonly string[]): Json | undefined {
  switch (takes) {
    case "nothing":
      return undefined;
    case "list":
      return [];
    case "range":
      return [null, null];
    case "from_to":
      return { from: null, to: null };
    case "duration":
      return "P7D";
    case "date":
      return "";
    case "ordered":
      return NUMERIC.has(fieldType) ? null : "";
    case "text":
    case "pattern":
      return "";
    case "one":
      if (fieldType === "boolean") return true;
      return options.length > 0 ? (options[0] as string) : NUMERIC.has(fieldType) ? null : "";
  }
}

function hasContent(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}

function fits(catalog: Catalog, module: string, field: string, operator: CatalogOperator, value: Json | undefined): boolean {
  const type = fieldTypeOf(catalog, module, field);
  if (operator.takes === "nothing") return true;
  if (value === undefined) return false;
  if (isFieldReference(value)) return operator.accepts_field;
  const options = optionsOf(catalog, module, field);
  const one = (member: Json | undefined) => fitsOne(type, options, member);
  switch (operator.takes) {
    case "list":
      return Array.isArray(value) && value.every(one);
    case "range":
      return Array.isArray(value) && value.length === 2 && value.every((each) => each === null || one(each));
    case "from_to":
      return isObject(value) && [value["from"], value["to"]].every((each) => each === null || each === undefined || one(each));
    case "duration":
      return typeof value === "string" && durationParts(value) !== null;
    case "text":
    case "pattern":
      return typeof value === "string";
    default:
      return one(value);
  }
}

function fitsOne(type: string, options: readonly string[], value: Json | undefined): boolean {
  if (NUMERIC.has(type)) return typeof value === "number";
  if (DATED.has(type)) return typeof value === "string" && ISO_DATE.test(value);
  if (type === "boolean") return typeof value === "boolean";
  if (options.length > 0) return typeof value === "string" && options.includes(value);
  return typeof value === "string";
}
