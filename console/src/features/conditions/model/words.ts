import type { Catalog, Json } from "../../catalog";
import { fieldLabel, fieldTypeOf, operatorOf, userName } from "../../catalog";
import { durationInWords } from "../../values";
import { isFieldReference } from "./retype";
import type { Comparison } from "./tree";
import { isObject, viewOf } from "./tree";

/** The parts of a comparison as they are read: "Amount", "is greater than", "50,000". */
export interface ComparisonWords {
  field: string;
  operator: string;
  value: string;
}

const NUMBERS = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });

export function comparisonWords(catalog: Catalog, module: string, comparison: Comparison): ComparisonWords {
  const { field, op, value } = comparison;
  const operator = operatorOf(catalog, op);
  const words = { field: field === "" ? "…" : fieldLabel(catalog, module, field), operator: operator?.label ?? op };
  if (operator?.takes === "from_to" && isObject(value)) {
    const one = (each: Json | undefined) => valueInWords(catalog, module, field, each);
    return { ...words, operator: "changed from", value: `${one(value["from"])} to ${one(value["to"])}` };
  }
  if (operator?.takes === "nothing") return { ...words, value: "" };
  if (operator?.takes === "range" && Array.isArray(value)) {
    return { ...words, value: value.map((each) => valueInWords(catalog, module, field, each)).join(" and ") };
  }
  if (operator?.takes === "duration" && typeof value === "string") {
    return { ...words, value: durationInWords(value) };
  }
  return { ...words, value: valueInWords(catalog, module, field, value) };
}

/** A value as people read it: 50,000, Web Form, Grace's name for u-2, another field's label. */
export function valueInWords(catalog: Catalog, module: string, field: string, value: Json | undefined): string {
  if (value === undefined || value === null || value === "") return "…";
  if (typeof value === "number") return NUMBERS.format(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) {
    return value.length === 0 ? "…" : value.map((each) => valueInWords(catalog, module, field, each)).join(", ");
  }
  if (isFieldReference(value)) return fieldLabel(catalog, module, value.field);
  if (isObject(value)) return JSON.stringify(value);
  return fieldTypeOf(catalog, module, field) === "user" ? userName(catalog, value) : value;
}

/** A whole tree in one line: "Source is Web Form and (Amount is greater than 50,000 or Priority is Urgent)". */
export function conditionInWords(catalog: Catalog, module: string, node: unknown, nested = false): string {
  const view = viewOf(node);
  switch (view.kind) {
    case "comparison": {
      const { field, operator, value } = comparisonWords(catalog, module, view.comparison);
      return [field, operator, value].filter((word) => word !== "").join(" ");
    }
    case "group": {
      const word = view.group === "all" ? " and " : " or ";
      const members = view.members.map((member) => conditionInWords(catalog, module, member, view.members.length > 1));
      const joined = members.filter((member) => member !== "").join(word);
      if (view.group === "none") return joined === "" ? "" : `none of (${joined})`;
      return nested && members.length > 1 ? `(${joined})` : joined;
    }
    case "not":
      return `not (${conditionInWords(catalog, module, view.member)})`;
    case "unknown":
      return isObject(node) && Object.keys(node).length > 0 ? "a condition this page doesn’t know" : "";
  }
}
