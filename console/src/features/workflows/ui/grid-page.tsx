import "./grid.css";
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowDown, ArrowUp, Ellipsis, Plus } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { call, post, sentenceOf } from "../../../api/client";
import { catalogQuery, sessionQuery, workflowsQuery } from "../../../api/queries";
import type { Catalog, Workflow } from "../../../api/types";
import { t } from "../../../i18n/en";
import { MenuButton } from "../../../ui/menu";
import { Empty, Failure, Skeleton } from "../../../ui/states";
import { Time } from "../../../ui/time";
import { toast } from "../../../ui/toast";
import { triggerWords } from "../../builder/model/words";
import type { GridSearch } from "../model/search";
import { ActiveSwitch } from "./active-switch";
import { Starters } from "./starters";

const TYPING_MS = 250;
const REFRESH_MS = 10_000;
const COLUMNS = [
  { name: "name", sort: "name", width: "auto" },
  { name: "status", sort: "status", width: "122px" },
  { name: "trigger", sort: null, width: "19%" },
  { name: "module", sort: null, width: "104px" },
  { name: "runs", sort: "run_count", width: "88px" },
  { name: "day", sort: "failed_24h", width: "112px" },
  { name: "last", sort: "last_run_at", width: "108px" },
] as const;

/** All workflows: name, status, trigger, module, runs, failures, last run. */
export function GridPage() {
  const search = useSearch({ from: "/shell/workflows" });
  const navigate = useNavigate({ from: "/workflows" });
  const { data: session } = useSuspenseQuery(sessionQuery);
  const { data: catalog } = useQuery(catalogQuery);
  const { data, isError, error, isPending, refetch } = useQuery({
    ...workflowsQuery(search),
    refetchInterval: REFRESH_MS,
    placeholderData: (before) => before,
  });
  const mayEdit = session.role === "editor" || session.role === "admin";
  const rows = data?.items ?? [];
  const filtered = Boolean(search.text || search.status || search.module);

  useEffect(() => {
    document.title = `${t.grid.title} · ${t.product}`;
  }, []);

  const change = (part: Partial<GridSearch>) =>
    navigate({ search: (now) => clean({ ...now, ...part }), replace: true });

  return (
    <>
      <header className="page-head">
        <div className="row">
          <h1>{t.grid.title}</h1>
          {data && (
            <span className="muted figures">
              {t.grid.count(rows.length, rows.filter((each) => each.status === "active").length)}
            </span>
          )}
        </div>
        <div className="filters">
          <SearchField value={search.text ?? ""} onChange={(text) => change({ text })} />
          <select
            className="select"
            aria-label={t.grid.anyStatus}
            value={search.status ?? ""}
            onChange={(event) =>
              change({ status: (event.target.value || undefined) as GridSearch["status"] })
            }
          >
            <option value="">{t.grid.anyStatus}</option>
            <option value="active">{t.grid.active}</option>
            <option value="paused">{t.grid.paused}</option>
            <option value="archived">{t.grid.archived}</option>
          </select>
          <select
            className="select"
            aria-label={t.grid.anyModule}
            value={search.module ?? ""}
            onChange={(event) => change({ module: event.target.value || undefined })}
          >
            <option value="">{t.grid.anyModule}</option>
            {catalog?.triggers.map((each) => (
              <option key={each.module} value={each.module}>
                {each.label}
              </option>
            ))}
          </select>
          {mayEdit && (
            <Link to="/workflows/new" className="btn btn-primary">
              <Plus size={16} aria-hidden />
              {t.grid.create}
            </Link>
          )}
        </div>
      </header>
      <div className="page-body">
        {isError && !data && (
          <Failure sentence={sentenceOf(error)} again={t.tryAgain} onAgain={() => refetch()} />
        )}
        {isPending && <Skeleton label={t.loading} rows={6} />}
        {data && rows.length === 0 && (
          <div className="card">
            {filtered ? (
              <Empty title={t.grid.nothing}>{t.grid.nothingHint}</Empty>
            ) : (
              <Empty title={t.grid.emptyTitle} action={mayEdit && <Starters />}>
                {t.grid.emptyHint}
              </Empty>
            )}
          </div>
        )}
        {rows.length > 0 && (
          <div className="card scroll-x">
            <table className="grid-table">
              <colgroup>
                {COLUMNS.map((column) => (
                  <col key={column.name} style={{ width: column.width }} />
                ))}
                <col style={{ width: "52px" }} />
              </colgroup>
              <thead>
                <tr>
                  {COLUMNS.map((column) => (
                    <Head
                      key={column.name}
                      column={column}
                      sort={search.sort}
                      onSort={(sort) => change({ sort })}
                    />
                  ))}
                  <th>
                    <span className="visually-hidden">{t.more}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <Row key={row.id} row={row} catalog={catalog} mayEdit={mayEdit} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </>
  );
}

function clean(search: GridSearch): GridSearch {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value)) as GridSearch;
}

function SearchField({ value, onChange }: { value: string; onChange: (text: string | undefined) => void }) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    function key(event: KeyboardEvent) {
      const typing =
        event.target instanceof HTMLElement && /INPUT|TEXTAREA|SELECT/.test(event.target.tagName);
      if (event.key === "/" && !typing) {
        event.preventDefault();
        field.current?.focus();
      }
    }
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);
  return (
    <input
      ref={field}
      type="search"
      className="input"
      placeholder={t.search}
      aria-label={t.search}
      value={text}
      onChange={(event) => {
        const typed = event.target.value;
        setText(typed);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => onChange(typed || undefined), TYPING_MS);
      }}
    />
  );
}

interface HeadProps {
  column: (typeof COLUMNS)[number];
  sort: string | undefined;
  onSort: (sort: string | undefined) => void;
}

function Head({ column, sort, onSort }: HeadProps) {
  const label = t.grid.columns[column.name];
  const number = column.name === "runs" ? "number" : "";
  if (!column.sort) return <th className={number}>{label}</th>;
  const up = sort === column.sort;
  const down = sort === `-${column.sort}`;
  return (
    <th className={number} aria-sort={up ? "ascending" : down ? "descending" : undefined}>
      <button type="button" onClick={() => onSort(down ? column.sort : up ? undefined : `-${column.sort}`)}>
        {label}
        {up && <ArrowUp size={12} aria-hidden />}
        {down && <ArrowDown size={12} aria-hidden />}
      </button>
    </th>
  );
}

function Row({ row, catalog, mayEdit }: { row: Workflow; catalog: Catalog | undefined; mayEdit: boolean }) {
  const module = catalog?.triggers.find((each) => each.module === row.module)?.label ?? row.module;
  return (
    <tr>
      <td className="name">
        <div className="row nowrap">
          <Link to="/workflows/$id" params={{ id: row.id }} className="cut">
            {row.name}
          </Link>
          {row.draft && <span className="chip tone-accent">{t.grid.draft}</span>}
        </div>
        {row.description && <div className="small muted cut">{row.description}</div>}
      </td>
      <td>
        <span className="above">
          {row.status === "archived" ? (
            <span className="chip tone-quiet">{t.grid.archived}</span>
          ) : (
            <ActiveSwitch workflow={row} mayEdit={mayEdit && row.version !== null} />
          )}
        </span>
      </td>
      <td className="small">
        {triggerWords(row.trigger, catalog) || <span className="muted">{t.none}</span>}
      </td>
      <td className="small muted">{module}</td>
      <td className="number figures">
        <Link
          to="/workflows/$id/runs"
          params={{ id: row.id }}
          search={{}}
          className="above"
          aria-label={`${row.run_count} ${t.grid.columns.runs}: ${row.name}`}
        >
          {row.run_count.toLocaleString("en")}
        </Link>
        {row.skipped_count > 0 && <div className="caption">{t.grid.skipped(row.skipped_count)}</div>}
      </td>
      <td>
        <Day row={row} />
      </td>
      <td className="small muted">
        <Time at={row.last_run_at} />
      </td>
      <td>{mayEdit && <Options row={row} />}</td>
    </tr>
  );
}

function Day({ row }: { row: Workflow }) {
  if (row.failed_24h === 0) return <span className="caption">{row.run_count ? t.grid.quiet : ""}</span>;
  const share = Math.min(1, row.failed_24h / Math.max(1, row.run_count));
  return (
    <>
      <div className="day-bar" aria-hidden>
        <span className="failed" style={{ flex: share }} />
        <span className="fine" style={{ flex: 1 - share }} />
      </div>
      <Link
        to="/workflows/$id/runs"
        params={{ id: row.id }}
        search={{ status: ["failed"] }}
        className="above small"
        style={{ color: "var(--failed)" }}
      >
        {t.grid.failed(row.failed_24h)}
      </Link>
    </>
  );
}

function Options({ row }: { row: Workflow }) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const act = useMutation({
    mutationFn: async (what: string) => {
      if (what === "duplicate") {
        const made = await post<Workflow>(`/v1/workflows/${row.id}/duplicate`);
        navigate({ to: "/workflows/$id", params: { id: made.id } });
      } else {
        await call("DELETE", `/v1/workflows/${row.id}`);
        toast(t.grid.archivedNow(row.name));
      }
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: ["workflows"] }),
    onError: (error) => toast(sentenceOf(error)),
  });
  return (
    <span className="above">
      <MenuButton
        label={t.grid.options(row.name)}
        groups={[
          {
            entries: [
              { id: "duplicate", label: t.duplicate },
              ...(row.status === "archived" ? [] : [{ id: "archive", label: t.grid.archive, danger: true }]),
            ],
          },
        ]}
        onChoose={(what) => act.mutate(what)}
      >
        <Ellipsis size={16} aria-hidden />
      </MenuButton>
    </span>
  );
}
