/** What a row of the list says of a run, and how rows change while people read. */
import type { RunSummary } from "../../../api/types";
import { t } from "../../../i18n/en";

/** In one line what happened: the error, why it was skipped, what it waits for. */
export function whatHappened(run: RunSummary): string {
  if (run.error) return run.error.detail?.split("\n")[0] ?? run.error.type;
  if (run.status === "skipped") {
    if (run.sentence) return run.sentence;
    if (run.reason === "loop") return run.detail ?? t.runs.loops;
    if (run.reason === "rate") return run.detail ?? t.runs.rate;
    return run.detail ?? "";
  }
  if (run.status === "waiting") {
    const waits = t.runs.waitsFor[run.waiting_for ?? ""] ?? "";
    return [waits, run.reason].filter(Boolean).join(": ");
  }
  return "";
}

/** Rows with a changed run in its place; null where it is not among them. */
export function patched(rows: RunSummary[], run: RunSummary): RunSummary[] | null {
  const index = rows.findIndex((each) => each.id === run.id);
  return index < 0 ? null : rows.with(index, run);
}

/** Whether a list with these filters would hold the run, as far as the run says. */
export function belongs(
  run: RunSummary,
  filter: {
    workflow_id?: string | undefined;
    status?: string[] | undefined;
    module?: string | undefined;
    record_id?: string | undefined;
    text?: string | undefined;
  },
): boolean {
  if (filter.workflow_id && run.workflow_id !== filter.workflow_id) return false;
  if (filter.module && run.module !== filter.module) return false;
  if (filter.record_id && run.record_id !== filter.record_id) return false;
  if (filter.status?.length) return filter.status.includes(run.status);
  if (filter.text && !run.error?.detail?.toLowerCase().includes(filter.text.toLowerCase())) return false;
  return run.status !== "skipped";
}
