/** What workflows can be built from, as `GET /v1/catalog` gives it. Everything that a CRM may leave out is optional. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** The part of JSON Schema that settings of actions use. */
export interface Schema {
  type?: string;
  title?: string;
  description?: string;
  default?: Json;
  enum?: Json[];
  const?: Json;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  $ref?: string;
  "x-ui"?: UiHint;
}

export interface UiHint {
  widget?: string;
  label?: string;
  help?: string;
  placeholder?: string;
  advanced?: boolean;
  one_of?: string;
}

export interface CatalogField {
  name: string;
  label: string;
  type: string;
  options: string[];
  reference?: string | null;
  read_only?: boolean;
  help?: string | null;
}

export interface CatalogModule {
  module: string;
  label?: string;
  plural?: string;
  title?: string | null;
  record_url?: string | null;
  fields: CatalogField[];
  stages: string[];
}

export interface CatalogEvent {
  event: string;
  label: string;
  implies: string[];
  narrow: string[];
}

export interface CatalogTrigger {
  module: string;
  label: string;
  events: CatalogEvent[];
}

/** The shape of a comparison's value: one word per kind of input. */
export type Takes =
  | "nothing"
  | "one"
  | "list"
  | "ordered"
  | "range"
  | "text"
  | "pattern"
  | "from_to"
  | "date"
  | "duration";

export interface CatalogOperator {
  op: string;
  label: string;
  takes: Takes;
  takes_description: string;
  field_types: string[];
  accepts_field: boolean;
  example: Json;
}

export interface CatalogAction {
  type: string;
  label: string;
  description: string;
  parameters: Schema;
  example: JsonObject;
  timeout_seconds?: number;
  timeout_seconds_max?: number;
  group?: string;
  icon?: string;
  receipt?: Schema;
}

export interface CatalogUser {
  id: string;
  name: string;
  email: string;
}

export interface TemplateFilter {
  name: string;
  label: string;
  example: string;
}

export interface Catalog {
  triggers: CatalogTrigger[];
  operators: CatalogOperator[];
  field_types: Record<string, string[]>;
  actions: CatalogAction[];
  templates: { variables: Record<string, string[] | null>; filters: TemplateFilter[] };
  modules: CatalogModule[];
  users: CatalogUser[];
}

/** A type of field that the catalog doesn't know is treated as text, as the engine does. */
export const UNKNOWN_FIELD_TYPE = "text";
