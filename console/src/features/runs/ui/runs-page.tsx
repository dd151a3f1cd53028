import "./runs.css";
import { useInfiniteQuery, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { sentenceOf } from "../../../api/client";
import {
  type RunsFilter,
  runCountsQuery,
  runsPage,
  sessionQuery,
  workflowsQuery,
} from "../../../api/queries";
import { type RunChanged, runChanges } from "../../../api/stream";
import type { Page, RunSummary } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Empty, Failure, Skeleton } from "../../../ui/states";
import { Status, statusWord } from "../../../ui/status";
import { Time, took } from "../../../ui/time";
import { belongs, patched, whatHappened } from "../model/rows";
import { type RunsSearch, STATUSES } from "../model/search";
import { BulkRetrySheet } from "./bulk-retry-sheet";

const ROW_PX = 44;
const NARROW_ROW_PX = 68;
const NEAR_END = 20;

export function RunsPage() {
  const search = useSearch({ from: "/shell/runs" });
  const navigate = useNavigate({ from: "/runs" });
  useEffect(() => {
    document.title = `${t.runs.title} · ${t.product}`;
  }, []);
  return (
    <>
      <header className="page-head">
        <h1>{t.runs.title}</h1>
      </header>
      <div className="page-body">
        <RunsList
          search={search}
          onSearch={(next) => navigate({ search: next, replace: true })}
          pickWorkflow
        />
      </div>
    </>
  );
}

export function WorkflowRunsPage() {
  const { id } = useParams({ from: "/shell/workflows/$id/runs" });
  const search = useSearch({ from: "/shell/workflows/$id/runs" });
  const navigate = useNavigate({ from: "/workflows/$id/runs" });
  return (
    <div className="page-body" style={{ paddingTop: 16 }}>
      <RunsList
        search={{ ...search, workflow: id }}
        onSearch={({ workflow: _workflow, ...next }) => navigate({ search: next, replace: true })}
      />
    </div>
  );
}

interface ListProps {
  search: RunsSearch;
  onSearch: (search: RunsSearch) => void;
  pickWorkflow?: boolean;
}

/** Runs, newest first: live, filtered by the address, as long as one scrolls. */
function RunsList({ search, onSearch, pickWorkflow }: ListProps) {
  const cache = useQueryClient();
  const { data: session } = useSuspenseQuery(sessionQuery);
  const mayRetry = session.role !== "viewer";
  const filter = useMemo<RunsFilter>(
    () => ({
      workflow_id: search.workflow,
      status: search.status,
      module: search.module,
      record_id: search.record,
      text: search.text,
      version: search.version,
      from: search.from,
      to: search.to,
    }),
    [
      search.workflow,
      search.status,
      search.module,
      search.record,
      search.text,
      search.version,
      search.from,
      search.to,
    ],
  );
  const key = useMemo(() => ["runs", filter], [filter]);
  const runs = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => runsPage(filter, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page: Page<RunSummary>) => page.next,
    staleTime: 30_000,
  });
  const counts = useQuery(runCountsQuery(filter));
  const rows = useMemo(() => runs.data?.pages.flatMap((page) => page.items) ?? [], [runs.data]);
  const scroller = useRef<HTMLDivElement>(null);
  const narrow = useNarrow();
  const [fresh, setFresh] = useState(0);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState(false);
  const rowPx = narrow ? NARROW_ROW_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = runs;

  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && lastShown >= rows.length - NEAR_END) fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, lastShown, rows.length]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: rows have another height
  useEffect(() => virtual.measure(), [rowPx]);

  // Rows that are shown change in place; new ones wait until somebody is at the top.
  useEffect(() => {
    function changed(event: Event) {
      const run = (event as RunChanged).run;
      if (!run) {
        cache.invalidateQueries({ queryKey: key });
        return;
      }
      const data = cache.getQueryData<typeof runs.data>(key);
      const page = data?.pages.findIndex((each) => each.items.some((row) => row.id === run.id)) ?? -1;
      if (data && page >= 0) {
        const items = patched(data.pages[page]!.items, run)!;
        cache.setQueryData(key, { ...data, pages: data.pages.with(page, { ...data.pages[page]!, items }) });
      } else if (belongs(run, filter)) {
        if ((scroller.current?.scrollTop ?? 0) < 4 && picked.size === 0)
          cache.invalidateQueries({ queryKey: key });
        else setFresh((count) => count + 1);
      }
    }
    runChanges.addEventListener("run", changed);
    return () => runChanges.removeEventListener("run", changed);
  }, [cache, key, filter, picked.size]);

  function showFresh() {
    setFresh(0);
    cache.invalidateQueries({ queryKey: key });
    scroller.current?.scrollTo({ top: 0 });
  }

  function pick(id: string, on: boolean) {
    const next = new Set(picked);
    if (on) next.add(id);
    else next.delete(id);
    setPicked(next);
  }

  const failedOnly = search.status?.length === 1 && search.status[0] === "failed";
  return (
    <div className="stack">
      <div className="row spread">
        <div className="status-chips" role="group" aria-label={t.runs.columns.status}>
          <button
            type="button"
            aria-pressed={!search.status?.length}
            onClick={() => onSearch(without(search, "status"))}
          >
            {t.runs.all}
          </button>
          {STATUSES.map((status) => {
            const on = search.status?.includes(status) ?? false;
            const count = counts.data?.by_status[status];
            return (
              <button
                key={status}
                type="button"
                aria-pressed={on}
                onClick={() => onSearch(on ? without(search, "status") : { ...search, status: [status] })}
              >
                {statusWord(status)}
                {count !== undefined && (
                  <span className="figures">
                    {" "}
                    {count.toLocaleString("en")}
                    {count >= 10_000 ? "+" : ""}
                  </span>
                )}
              </button>
            );
          })}
        </div>
        <div className="row">
          {pickWorkflow && <WorkflowPicker search={search} onSearch={onSearch} />}
          <ErrorText
            value={search.text ?? ""}
            onChange={(text) => onSearch(text ? { ...search, text } : without(search, "text"))}
          />
          {mayRetry && (picked.size > 0 || failedOnly) && rows.length > 0 && (
            <Button onClick={() => setAsking(true)}>
              {picked.size > 0 ? `${t.runs.retrySelected} (${picked.size})` : t.runs.retryAll}
            </Button>
          )}
        </div>
      </div>
      {runs.isError && rows.length === 0 && (
        <Failure sentence={sentenceOf(runs.error)} again={t.tryAgain} onAgain={() => runs.refetch()} />
      )}
      {runs.isPending && <Skeleton label={t.loading} rows={8} />}
      {runs.data && rows.length === 0 && (
        <div className="card">
          <Empty title={t.runs.nothing}>{t.runs.nothingHint}</Empty>
        </div>
      )}
      {rows.length > 0 && (
        <div
          className="card"
          role="table"
          aria-label={t.runs.title}
          aria-rowcount={hasNextPage ? -1 : rows.length}
        >
          <div className="run-head" role="row">
            <span role="columnheader">
              <span className="visually-hidden">{t.runs.select}</span>
            </span>
            <span role="columnheader">{t.runs.columns.status}</span>
            <span role="columnheader">{t.runs.columns.workflow}</span>
            <span role="columnheader">{t.runs.columns.record}</span>
            <span role="columnheader">{t.runs.columns.started}</span>
            <span role="columnheader">{t.runs.columns.took}</span>
            <span role="columnheader">{t.runs.columns.done}</span>
            <span role="columnheader">{t.runs.columns.what}</span>
          </div>
          <div className="runs-list" ref={scroller} role="rowgroup">
            {fresh > 0 && (
              <div className="fresh">
                <Button small look="primary" onClick={showFresh}>
                  {t.runs.fresh(fresh)}
                </Button>
              </div>
            )}
            <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
              {items.map((item) => (
                <Row
                  key={rows[item.index]!.id}
                  run={rows[item.index]!}
                  index={item.index}
                  top={item.start}
                  narrow={narrow}
                  picked={picked.has(rows[item.index]!.id)}
                  mayRetry={mayRetry}
                  onPick={pick}
                />
              ))}
            </div>
          </div>
        </div>
      )}
      {asking && (
        <BulkRetrySheet
          filter={picked.size > 0 ? { run_ids: [...picked] } : filter}
          onClose={() => {
            setAsking(false);
            setPicked(new Set());
          }}
        />
      )}
    </div>
  );
}

function without(search: RunsSearch, name: keyof RunsSearch): RunsSearch {
  const { [name]: _gone, ...rest } = search;
  return rest;
}

function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => matchMedia("(max-width: 760px)").matches);
  useEffect(() => {
    const media = matchMedia("(max-width: 760px)");
    const changed = () => setNarrow(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return narrow;
}

interface RowProps {
  run: RunSummary;
  index: number;
  top: number;
  narrow: boolean;
  picked: boolean;
  mayRetry: boolean;
  onPick: (id: string, on: boolean) => void;
}

function Row({ run, index, top, narrow, picked, mayRetry, onPick }: RowProps) {
  const name = run.record_title ?? run.record_id;
  const mayPick = mayRetry && run.status === "failed" && !run.retried_by;
  return (
    <div
      className="run-row"
      role="row"
      aria-rowindex={index + 1}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell" className="hide-narrow">
        {mayPick && (
          <input
            type="checkbox"
            aria-label={`${t.runs.select}: ${run.workflow_name}, ${name}`}
            checked={picked}
            onChange={(event) => onPick(run.id, event.target.checked)}
          />
        )}
      </span>
      <span role="cell">
        <Status status={run.status} />
      </span>
      <span role="cell" className="cut">
        <Link to="/runs/$id" params={{ id: run.id }} className="whole">
          {run.workflow_name}
        </Link>
      </span>
      {narrow ? (
        <span role="cell" className="caption">
          <Time at={run.started_at} />
        </span>
      ) : (
        <>
          <span role="cell" className="cut" title={`${run.module} ${run.record_id}`}>
            {name}
          </span>
          <span role="cell" className="muted">
            <Time at={run.started_at} />
          </span>
          <span role="cell" className="muted figures">
            {run.duration_ms === null ? "–" : took(run.duration_ms)}
          </span>
          <span role="cell" className="muted figures">
            {run.actions ? `${run.actions.done}/${run.actions.total}` : ""}
          </span>
        </>
      )}
      <span role="cell" className={run.error ? "cut what" : "cut what muted"} title={whatHappened(run)}>
        {narrow && <strong>{name} </strong>}
        {whatHappened(run)}
      </span>
    </div>
  );
}

function WorkflowPicker({ search, onSearch }: Pick<ListProps, "search" | "onSearch">) {
  const { data } = useQuery(workflowsQuery({ sort: "name" }));
  return (
    <select
      className="select"
      style={{ width: "auto", maxWidth: 220 }}
      aria-label={t.runs.columns.workflow}
      value={search.workflow ?? ""}
      onChange={(event) =>
        onSearch(
          event.target.value ? { ...search, workflow: event.target.value } : without(search, "workflow"),
        )
      }
    >
      <option value="">{t.runs.anyWorkflow}</option>
      {data?.items.map((each) => (
        <option key={each.id} value={each.id}>
          {each.name}
        </option>
      ))}
    </select>
  );
}

function ErrorText({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  return (
    <input
      type="search"
      className="input"
      style={{ width: 180 }}
      aria-label={t.runs.errorText}
      placeholder={t.runs.errorText}
      value={text}
      onChange={(event) => {
        const typed = event.target.value;
        setText(typed);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => onChange(typed), 300);
      }}
    />
  );
}
