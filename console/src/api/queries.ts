/** What pages ask for: one place for keys, so that a change is told to everything that shows it. */
import { queryOptions } from "@tanstack/react-query";
import { call, get } from "./client";
import type {
  ApiKey,
  AuditEntry,
  Backtest,
  BulkRetry,
  Catalog,
  Draft,
  EmailTemplate,
  Page,
  PublishPreview,
  RecentRecord,
  RetryPreview,
  Run,
  RunCounts,
  RunSummary,
  Secret,
  Session,
  Stats,
  StuckRuns,
  TimelineEvent,
  Version,
  VersionSummary,
  Workflow,
  WorkflowDetail,
} from "./types";

const MINUTE_MS = 60_000;

export interface GridFilter {
  text?: string | undefined;
  status?: string | undefined;
  module?: string | undefined;
  sort?: string | undefined;
}

export interface RunsFilter {
  workflow_id?: string | undefined;
  version?: number | undefined;
  status?: string[] | undefined;
  module?: string | undefined;
  record_id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  text?: string | undefined;
}

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: () => get<Session>("/v1/session"),
  retry: false,
  staleTime: 5 * MINUTE_MS,
});

export const catalogQuery = queryOptions({
  queryKey: ["catalog"],
  queryFn: () => get<Catalog>("/v1/catalog"),
  staleTime: 5 * MINUTE_MS,
});

export const workflowsQuery = (filter: GridFilter) =>
  queryOptions({
    queryKey: ["workflows", filter],
    queryFn: ({ signal }) => get<Page<Workflow>>("/v1/workflows", { ...filter, limit: 200 }, signal),
  });

export const workflowQuery = (id: string) =>
  queryOptions({
    queryKey: ["workflow", id],
    queryFn: ({ signal }) => call<WorkflowDetail>("GET", `/v1/workflows/${id}`, { signal }),
  });

export const draftQuery = (id: string) =>
  queryOptions({
    queryKey: ["draft", id],
    queryFn: ({ signal }) => get<Draft>(`/v1/workflows/${id}/draft`, {}, signal),
  });

export const publishPreviewQuery = (id: string) =>
  queryOptions({
    queryKey: ["publish-preview", id],
    queryFn: () => get<PublishPreview>(`/v1/workflows/${id}/publish-preview`),
    staleTime: 0,
    gcTime: 0,
  });

export const versionsQuery = (id: string) =>
  queryOptions({
    queryKey: ["versions", id],
    queryFn: () => get<Page<VersionSummary>>(`/v1/workflows/${id}/versions`, { limit: 100 }),
  });

export const versionQuery = (id: string, version: number) =>
  queryOptions({
    queryKey: ["version", id, version],
    queryFn: () => get<Version>(`/v1/workflows/${id}/versions/${version}`),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const backtestsQuery = (id: string) =>
  queryOptions({
    queryKey: ["backtests", id],
    queryFn: () => get<Page<Backtest>>(`/v1/workflows/${id}/backtests`),
    refetchInterval: (query) =>
      query.state.data?.items.some((each) => each.status === "running" || each.status === "waiting")
        ? 1_000
        : false,
  });

export const recentRecordsQuery = (module: string, q: string) =>
  queryOptions({
    queryKey: ["records", module, q],
    queryFn: ({ signal }) => get<{ items: RecentRecord[] }>(`/v1/records/${module}`, { q }, signal),
  });

export const runsPage = (filter: RunsFilter, cursor: string | null, signal?: AbortSignal) =>
  get<Page<RunSummary>>("/v1/runs", { ...filter, limit: 100, cursor: cursor ?? undefined }, signal);

export const runCountsQuery = (filter: RunsFilter) =>
  queryOptions({
    queryKey: ["run-counts", { ...filter, status: undefined }],
    queryFn: ({ signal }) => get<RunCounts>("/v1/runs/counts", { ...filter, status: undefined }, signal),
    refetchInterval: 15_000,
  });

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: ({ signal }) => get<Run>(`/v1/runs/${id}`, {}, signal),
  });

export const retryPreviewQuery = (id: string, version: "pinned" | "latest") =>
  queryOptions({
    queryKey: ["retry-preview", id, version],
    queryFn: () => get<RetryPreview>(`/v1/runs/${id}/retry-preview`, { version }),
    staleTime: 0,
  });

export const bulkRetryQuery = (id: string) =>
  queryOptions({
    queryKey: ["bulk-retry", id],
    queryFn: () => get<BulkRetry>(`/v1/bulk-retries/${id}`),
    refetchInterval: (query) => (query.state.data?.status === "running" ? 1_000 : false),
  });

export const timelineQuery = (module: string, record: string) =>
  queryOptions({
    queryKey: ["timeline", module, record],
    queryFn: () => get<Page<TimelineEvent>>(`/v1/records/${module}/${encodeURIComponent(record)}/timeline`),
  });

export const statsQuery = (workflowId: string | undefined, bucket: "5m" | "1h" | "1d", from: string) =>
  queryOptions({
    queryKey: ["stats", workflowId, bucket, from],
    queryFn: () => get<Stats>("/v1/stats", { workflow_id: workflowId, bucket, from }),
    refetchInterval: 15_000,
  });

export const stuckQuery = queryOptions({
  queryKey: ["stuck"],
  queryFn: () => get<StuckRuns>("/v1/runs/stuck"),
  refetchInterval: 15_000,
});

export const templatesQuery = queryOptions({
  queryKey: ["email-templates"],
  queryFn: () => get<Page<EmailTemplate>>("/v1/email-templates", { limit: 500 }),
});

export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: () => get<Page<Secret>>("/v1/secrets", { limit: 500 }),
});

export const keysQuery = queryOptions({
  queryKey: ["api-keys"],
  queryFn: () => get<Page<ApiKey>>("/v1/api-keys", { limit: 500 }),
});

export const auditQuery = queryOptions({
  queryKey: ["audit"],
  queryFn: () => get<Page<AuditEntry>>("/v1/audit", { limit: 100 }),
});
