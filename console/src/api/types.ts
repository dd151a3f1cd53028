/** The shapes of the API, by the names that the console uses. They come from the OpenAPI documents alone. */
import type { components as Ledger } from "./generated/run-ledger";
import type { components as Api } from "./generated/workflow-api";

type A = Api["schemas"];
type L = Ledger["schemas"];

export type Session = A["SessionOut"];
export type Workflow = A["WorkflowOut"];
export type WorkflowDetail = A["WorkflowDetail"];
export type Draft = A["DraftOut"];
export type Problem = A["ProblemOut"];
export type PublishPreview = A["PublishPreviewOut"];
export type Published = A["PublishedOut"];
export type VersionSummary = A["VersionSummary"];
export type Version = A["VersionOut"];
export type TestOutcome = A["TestOut"];
export type TestedAction = A["TestAction"];
export type RecentRecord = A["RecentRecord"];
export type Backtest = A["BacktestOut"];
export type EmailTemplate = A["EmailTemplateOut"];
export type Secret = A["SecretOut"];
export type ApiKey = A["ApiKeyOut"];
export type AuditEntry = A["AuditEntryOut"];

export type RunSummary = L["RunSummary"];
export type Run = L["Run"];
export type RunAction = L["Action"];
export type Attempt = L["Attempt"];
export type RetryPreview = L["RetryPreview"];
export type RunCounts = L["RunCounts"];
export type TimelineEvent = L["TimelineEvent"];
export type Stats = L["Stats"];
export type StuckRuns = L["StuckRuns"];
export type BulkRetry = L["BulkRetry"];
export type BulkPreview = L["BulkPreview"];
export type RunStatus = RunSummary["status"];
export type ActionStatus = RunAction["status"];
export type Role = "viewer" | "operator" | "editor" | "admin";

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** A comparison's node in a verdict, or a group of them. */
export type VerdictNode =
  | { all: VerdictNode[]; outcome: boolean }
  | { any: VerdictNode[]; outcome: boolean }
  | { not: VerdictNode; outcome: boolean }
  | {
      field: string;
      op: string;
      value?: unknown;
      actual: unknown;
      previous: unknown;
      outcome: boolean;
      why?: string;
    };

export interface Verdict {
  outcome: boolean;
  sentence: string;
  tree: VerdictNode | null;
}

/** What workflows can be built from: `GET /v1/catalog`. */
export interface Catalog {
  triggers: TriggerModule[];
  operators: Operator[];
  actions: ActionKind[];
  templates: { variables: Record<string, string[] | null>; filters: TemplateFilter[] };
  modules: CatalogModule[];
  users: User[];
}

export interface TriggerModule {
  module: string;
  label: string;
  events: TriggerEvent[];
}

export interface TriggerEvent {
  event: string;
  label: string;
  implies: string[];
  narrow: ("fields" | "from" | "to")[];
}

export type Takes =
  | "nothing"
  | "one"
  | "ordered"
  | "text"
  | "list"
  | "range"
  | "pattern"
  | "date"
  | "duration"
  | "from_to";

export interface Operator {
  op: string;
  label: string;
  takes: Takes;
  field_types: string[];
  accepts_field: boolean;
  example?: unknown;
}

export interface ActionKind {
  type: string;
  label: string;
  description: string;
  timeout_seconds: number;
  parameters: JsonSchema;
  example: Record<string, unknown>;
}

export interface TemplateFilter {
  name: string;
  label: string;
  example: string;
}

export interface CatalogModule {
  module: string;
  fields: CatalogField[];
  stages: string[];
}

export interface CatalogField {
  name: string;
  label: string;
  type: string;
  options: string[];
}

export interface User {
  id: string;
  name: string;
  email: string;
}

export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  default?: unknown;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
}
