/** Runs as they change, told to the cache of queries: one connection a tab, and only while it is looked at. */
import type { QueryClient } from "@tanstack/react-query";
import type { RunSummary } from "./types";

export const runChanges = new EventTarget();

/** Tells of one run that changed, or (null) that the lists have to be read again. */
export class RunChanged extends Event {
  constructor(readonly run: RunSummary | null) {
    super("run");
  }
}

/** Follows the stream until the returned function is called. */
export function followRuns(cache: QueryClient): () => void {
  let source: EventSource | null = null;

  function open() {
    if (source || document.hidden) return;
    source = new EventSource("/v1/stream");
    source.addEventListener("run", (message) => {
      const run = JSON.parse((message as MessageEvent<string>).data) as RunSummary;
      runChanges.dispatchEvent(new RunChanged(run));
      cache.invalidateQueries({ queryKey: ["run", run.id] });
      cache.invalidateQueries({ queryKey: ["run-counts"] });
    });
    source.addEventListener("refresh", refresh);
  }

  function close() {
    source?.close();
    source = null;
  }

  function refresh() {
    runChanges.dispatchEvent(new RunChanged(null));
    cache.invalidateQueries({ queryKey: ["run"] });
    cache.invalidateQueries({ queryKey: ["run-counts"] });
  }

  function seen() {
    if (document.hidden) close();
    else if (!source) {
      open();
      refresh();
    }
  }

  open();
  document.addEventListener("visibilitychange", seen);
  return () => {
    document.removeEventListener("visibilitychange", seen);
    close();
  };
}
