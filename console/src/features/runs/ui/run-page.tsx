import "./runs.css";
import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Filter, Zap } from "lucide-react";
import { useEffect, useState } from "react";
import { post, sentenceOf } from "../../../api/client";
import { catalogQuery, runQuery, sessionQuery } from "../../../api/queries";
import type { Attempt, Catalog, Run, RunAction, Verdict } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Failure, Json, ProblemLine, Skeleton } from "../../../ui/states";
import { Status } from "../../../ui/status";
import { Time, took } from "../../../ui/time";
import { toast } from "../../../ui/toast";
import { stepIcon, VerdictTree } from "../../builder";
import { fieldsOf, stepLabel, triggerWords } from "../../builder/model/words";
import { timelineOf } from "../model/timeline";
import { RetrySheet } from "./retry-sheet";

/** One run: what it did, what was said to it, and what can be done about it. */
export function RunPage() {
  const { id } = useParams({ from: "/shell/runs/$id" });
  const search = useSearch({ from: "/shell/runs/$id" });
  const navigate = useNavigate({ from: "/runs/$id" });
  const { data: session } = useSuspenseQuery(sessionQuery);
  const { data: catalog } = useQuery(catalogQuery);
  const run = useQuery(runQuery(id));
  const mayAct = session.role !== "viewer";

  useEffect(() => {
    document.title = `${run.data?.workflow_name ?? t.run.title} · ${t.product}`;
  }, [run.data?.workflow_name]);

  if (run.isError && !run.data) {
    return (
      <div className="page-body" style={{ paddingTop: 20 }}>
        <h1 className="visually-hidden">{t.run.title}</h1>
        <Failure sentence={sentenceOf(run.error)} again={t.tryAgain} onAgain={() => run.refetch()} />
      </div>
    );
  }
  if (!run.data) {
    return (
      <div className="page-body" style={{ paddingTop: 20 }}>
        <Skeleton label={t.loading} rows={6} />
      </div>
    );
  }
  const chosen = run.data.actions.find((each) => each.id === search.action) ?? firstOfInterest(run.data);
  return (
    <>
      <Head run={run.data} mayAct={mayAct} />
      <div className="run-layout">
        <section className="run-canvas" aria-label={t.run.title}>
          <Steps
            run={run.data}
            catalog={catalog}
            chosen={chosen?.id}
            onChoose={(action) => navigate({ search: { action }, replace: true })}
          />
          <Lanes run={run.data} catalog={catalog} />
          <Context run={run.data} />
        </section>
        <aside className="panel" aria-label={t.run.details}>
          {chosen ? (
            <ActionDetails key={chosen.id} run={run.data} action={chosen} catalog={catalog} mayAct={mayAct} />
          ) : (
            <EventDetails run={run.data} />
          )}
        </aside>
      </div>
    </>
  );
}

function firstOfInterest(run: Run): RunAction | undefined {
  return (
    run.actions.find((each) => ["failed", "unknown", "retrying", "running"].includes(each.status)) ??
    run.actions[0]
  );
}

function Head({ run, mayAct }: { run: Run; mayAct: boolean }) {
  const cache = useQueryClient();
  const [retrying, setRetrying] = useState(false);
  const cancel = useMutation({
    mutationFn: () => post(`/v1/runs/${run.id}/cancel`),
    onSuccess: () => {
      toast(t.run.canceled);
      cache.invalidateQueries({ queryKey: ["run", run.id] });
    },
    onError: (error) => toast(sentenceOf(error)),
  });
  const open = run.status === "running" || run.status === "waiting";
  return (
    <header className="page-head">
      <div className="stack grow" style={{ gap: 4 }}>
        <div className="row">
          <h1 className="wrap-anywhere">
            <Link to="/workflows/$id" params={{ id: run.workflow_id }} style={{ color: "inherit" }}>
              {run.workflow_name}
            </Link>
          </h1>
          <span className="chip tone-quiet">v{run.version}</span>
          <Status status={run.status} />
        </div>
        <div className="row small muted">
          <Link to="/records/$module/$id" params={{ module: run.module, id: run.record_id }}>
            {run.record_title ?? run.record_id}
          </Link>
          <span>
            <Time at={run.started_at} form="whole" />
          </span>
          {run.duration_ms !== null && <span className="figures">{took(run.duration_ms)}</span>}
          {run.retried_by && (
            <Link to="/runs/$id" params={{ id: run.retried_by }}>
              {t.run.repeatedBy} →
            </Link>
          )}
          {run.retry_of && (
            <Link to="/runs/$id" params={{ id: run.retry_of }}>
              ← {t.run.repeats}
            </Link>
          )}
        </div>
        {run.error && <ProblemLine text={run.error.detail ?? run.error.type} />}
        {run.redacted && <ProblemLine advice text={t.run.erased} />}
      </div>
      <div className="row">
        {mayAct && open && (
          <Button disabled={cancel.isPending} onClick={() => cancel.mutate()}>
            {t.run.cancel}
          </Button>
        )}
        {run.status === "failed" && !run.retried_by && (
          <Button
            look="primary"
            disabled={!mayAct}
            title={mayAct ? undefined : t.needsRole("operator")}
            onClick={() => setRetrying(true)}
          >
            {t.run.retry}
          </Button>
        )}
      </div>
      {retrying && <RetrySheet run={run} onClose={() => setRetrying(false)} />}
    </header>
  );
}

interface StepsProps {
  run: Run;
  catalog: Catalog | undefined;
  chosen: string | undefined;
  onChoose: (action: string) => void;
}

function Steps({ run, catalog, chosen, onChoose }: StepsProps) {
  const verdict = run.verdict as Verdict | null;
  const fields = fieldsOf(catalog, run.module);
  return (
    <ol className="steps">
      <li>
        <div className="card step-card" style={{ cursor: "default" }}>
          <span className="step-icon when">
            <Zap size={18} aria-hidden />
          </span>
          <span className="step-body">
            <span className="caption">{t.builder.when}</span>
            <span className="step-title">
              {triggerWords({ module: run.module, event: run.event }, catalog)}
            </span>
          </span>
        </div>
        <span className="connector" />
      </li>
      <li>
        <div className="card step-card" style={{ cursor: "default" }}>
          <span className="step-icon only">
            <Filter size={18} aria-hidden />
          </span>
          <span className="step-body">
            <span className="caption">{t.run.conditions}</span>
            {verdict ? (
              <>
                <span className="step-title">{verdict.sentence}</span>
                {verdict.tree && (
                  <VerdictTree node={verdict.tree} fields={fields} operators={catalog?.operators ?? []} />
                )}
              </>
            ) : (
              <span className="muted">{run.detail ?? t.run.noVerdict}</span>
            )}
          </span>
        </div>
        {run.actions.length > 0 && <span className="connector" />}
      </li>
      {run.actions.map((action, index) => {
        const Icon = stepIcon(action.type);
        return (
          <li key={action.id}>
            <button
              type="button"
              className="card step-card"
              data-selected={chosen === action.id}
              aria-pressed={chosen === action.id}
              onClick={() => onChoose(action.id)}
            >
              <span className="step-icon">
                <Icon size={18} aria-hidden />
              </span>
              <span className="step-body">
                <span className="row spread">
                  <span className="step-title">
                    {index + 1} · {stepLabel(action, catalog)}
                  </span>
                  <Status status={action.status} word={action.kept ? "Kept" : undefined} />
                </span>
                {action.error && (
                  <span className="small muted cut">{action.error.detail ?? action.error.type}</span>
                )}
              </span>
            </button>
            {index < run.actions.length - 1 && <span className="connector" />}
          </li>
        );
      })}
    </ol>
  );
}

function Lanes({ run, catalog }: { run: Run; catalog: Catalog | undefined }) {
  const timeline = timelineOf(run.actions, Date.now());
  if (timeline.lanes.length === 0) return null;
  return (
    <section className="card" style={{ padding: 14 }}>
      <h2 style={{ marginBottom: 10 }}>{t.run.timeline}</h2>
      <div className="lanes" aria-hidden>
        {timeline.lanes.map((lane) => (
          <div key={lane.id} className="lane">
            <span className="cut">{stepLabel(lane, catalog)}</span>
            <span className="bars-track">
              {lane.bars.map((bar) => (
                <span
                  key={bar.number}
                  className={`attempt-bar ${bar.outcome === "failed" ? "failed" : bar.outcome === null ? "open" : ""}`}
                  style={{
                    insetInlineStart: `${bar.from * 100}%`,
                    width: `${Math.max(0.4, (bar.to - bar.from) * 100)}%`,
                  }}
                />
              ))}
            </span>
            <span className="figures muted">{took(lane.tookMs)}</span>
          </div>
        ))}
        {timeline.folds.map((fold) => (
          <p key={fold.at} className="caption">
            {t.run.idle(took(fold.ms))}
          </p>
        ))}
      </div>
      <table className="visually-hidden">
        <caption>{t.run.timeline}</caption>
        <tbody>
          {run.actions.flatMap((action) =>
            action.attempts.map((attempt) => (
              <tr key={action.id + attempt.number}>
                <td>{stepLabel(action, catalog)}</td>
                <td>{t.run.attempt(attempt.number)}</td>
                <td>{attempt.outcome ?? "running"}</td>
                <td>
                  <Time at={attempt.started_at} form="clock" />
                </td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </section>
  );
}

function Context({ run }: { run: Run }) {
  if (run.chain.length === 0 && run.caused.length === 0) return null;
  return (
    <section className="card" style={{ padding: 14 }}>
      <div className="stack">
        {run.chain.length > 0 && (
          <>
            <h2>{t.run.chain}</h2>
            <ul className="row">
              {run.chain.map((workflow) => (
                <li key={workflow}>
                  <Link to="/workflows/$id" params={{ id: workflow }} className="mono">
                    {workflow}
                  </Link>
                </li>
              ))}
            </ul>
          </>
        )}
        {run.caused.length > 0 && (
          <>
            <h2>{t.run.caused}</h2>
            <ul className="stack">
              {run.caused.map((each) => (
                <li key={each.id} className="row">
                  <Status status={each.status} />
                  <Link to="/runs/$id" params={{ id: each.id }}>
                    {each.workflow_name}
                  </Link>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </section>
  );
}

interface DetailsProps {
  run: Run;
  action: RunAction;
  catalog: Catalog | undefined;
  mayAct: boolean;
}

function ActionDetails({ run, action, catalog, mayAct }: DetailsProps) {
  const index = run.actions.indexOf(action);
  return (
    <>
      <div className="panel-head">
        <h2 className="grow">
          {index + 1} · {stepLabel(action, catalog)}
        </h2>
        <Status status={action.status} />
      </div>
      {action.kept && <p className="notice accent">{t.run.kept}</p>}
      {mayAct && action.status === "unknown" && <Settle run={run} index={index} />}
      {action.attempts.toReversed().map((attempt, at) => (
        <AttemptCard key={attempt.number} attempt={attempt} open={at === 0} />
      ))}
      {action.attempts.length === 0 && action.receipt !== undefined && action.receipt !== null && (
        <Json value={action.receipt} label={t.run.receipt} />
      )}
      <EventDetails run={run} />
    </>
  );
}

function AttemptCard({ attempt, open }: { attempt: Attempt; open: boolean }) {
  const ms = attempt.finished_at ? Date.parse(attempt.finished_at) - Date.parse(attempt.started_at) : null;
  return (
    <details className="attempt" open={open}>
      <summary className="row spread">
        <strong>{t.run.attempt(attempt.number)}</strong>
        <span className="row small muted">
          <Time at={attempt.started_at} form="clock" />
          {ms !== null && <span className="figures">{took(ms)}</span>}
          <Status status={attempt.outcome ?? "running"} />
        </span>
      </summary>
      {attempt.error && <ProblemLine text={attempt.error.detail ?? attempt.error.type} />}
      {attempt.warnings.map((each) => (
        <ProblemLine key={each} advice text={each} />
      ))}
      {attempt.receipt !== null && attempt.receipt !== undefined && (
        <>
          <h3>{t.run.receipt}</h3>
          <Json value={attempt.receipt} label={t.run.receipt} />
        </>
      )}
      {attempt.effect_key && (
        <p className="caption wrap-anywhere">
          {t.run.effectKey}: <span className="mono">{attempt.effect_key}</span>
        </p>
      )}
    </details>
  );
}

function Settle({ run, index }: { run: Run; index: number }) {
  const cache = useQueryClient();
  const settle = useMutation({
    mutationFn: (resolution: "done" | "resend" | "fail") =>
      post(`/v1/runs/${run.id}/actions/${index}/resolve`, { resolution }),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["run", run.id] }),
    onError: (error) => toast(sentenceOf(error)),
  });
  return (
    <div className="notice" style={{ display: "grid", gap: 8 }}>
      <span>{t.run.resolve}</span>
      <span className="row">
        <Button small disabled={settle.isPending} onClick={() => settle.mutate("done")}>
          {t.run.done}
        </Button>
        <Button small disabled={settle.isPending} onClick={() => settle.mutate("resend")}>
          {t.run.resend}
        </Button>
        <Button small look="danger" disabled={settle.isPending} onClick={() => settle.mutate("fail")}>
          {t.run.fail}
        </Button>
      </span>
    </div>
  );
}

function EventDetails({ run }: { run: Run }) {
  return (
    <>
      <h3>{t.run.event}</h3>
      <dl className="pairs">
        <dt>Id</dt>
        <dd className="mono">{run.event_id}</dd>
        <dt>Run</dt>
        <dd className="mono">{run.id}</dd>
        {run.dead_letter && (
          <>
            <dt>Dead letter</dt>
            <dd className="mono">{run.dead_letter}</dd>
          </>
        )}
        {run.canceled_by && (
          <>
            <dt>Canceled by</dt>
            <dd>{run.canceled_by}</dd>
          </>
        )}
      </dl>
      <details open>
        <summary className="label">{t.run.record}</summary>
        {run.record === null ? (
          <p className="muted small">{t.run.notKept}</p>
        ) : (
          <Json value={run.record} label={t.run.record} />
        )}
      </details>
      {run.previous !== null && (
        <details>
          <summary className="label">{t.run.previous}</summary>
          <Json value={run.previous} label={t.run.previous} />
        </details>
      )}
    </>
  );
}
