import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { sentenceOf } from "../../../api/client";
import { catalogQuery, timelineQuery } from "../../../api/queries";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Empty, Failure, Skeleton } from "../../../ui/states";
import { Status } from "../../../ui/status";
import { Time } from "../../../ui/time";
import { triggerWords } from "../../builder/model/words";

interface NonRun {
  event_id: string;
  workflow_id: string;
  workflow_name?: string;
  name?: string;
  reason: string;
  detail: string;
}

/** Everything automation made of one record, newest first. */
export function RecordPage() {
  const { module, id } = useParams({ from: "/shell/records/$module/$id" });
  const timeline = useQuery(timelineQuery(module, id));
  const { data: catalog } = useQuery(catalogQuery);
  const why = useNonRuns(module, id);
  useEffect(() => {
    document.title = `${id} · ${t.product}`;
  }, [id]);
  return (
    <>
      <header className="page-head">
        <h1 className="wrap-anywhere">
          {module} · {id}
        </h1>
        {why.running ? (
          <Button onClick={why.stop}>{t.record.stop}</Button>
        ) : (
          <Button onClick={why.start}>{t.record.why}</Button>
        )}
      </header>
      <div className="page-body stack">
        {timeline.isPending && <Skeleton label={t.loading} />}
        {timeline.isError && (
          <Failure
            sentence={sentenceOf(timeline.error)}
            again={t.tryAgain}
            onAgain={() => timeline.refetch()}
          />
        )}
        {why.problem && <Failure sentence={why.problem} again={t.tryAgain} onAgain={why.start} />}
        {timeline.data?.items.length === 0 && <Empty title={t.record.nothing} />}
        {timeline.data?.items.map((event) => (
          <section key={event.event_id} className="card" style={{ padding: 14 }}>
            <div className="stack">
              <div className="row spread">
                <h2>{triggerWords({ module, event: event.event }, catalog)}</h2>
                <span className="small muted">
                  <Time at={event.occurred_at} form="whole" />
                </span>
              </div>
              <ul className="stack">
                {event.workflows.map((each) => (
                  <li key={each.run_id} className="row">
                    <Status status={each.status} />
                    <Link to="/runs/$id" params={{ id: each.run_id }}>
                      {each.workflow_name}
                    </Link>
                    <span className="small muted grow">{each.sentence ?? each.detail}</span>
                  </li>
                ))}
                {why.found
                  .filter((each) => each.event_id === event.event_id)
                  .map((each) => (
                    <li key={each.workflow_id} className="row">
                      <span className="chip tone-quiet">{each.reason.replaceAll("-", " ")}</span>
                      <Link to="/workflows/$id" params={{ id: each.workflow_id }}>
                        {each.workflow_name ?? each.name ?? each.workflow_id}
                      </Link>
                      <span className="small muted grow">{each.detail}</span>
                    </li>
                  ))}
              </ul>
            </div>
          </section>
        ))}
      </div>
    </>
  );
}

/** Asks, line by line, why the other workflows made no run of the record's events. */
function useNonRuns(module: string, id: string) {
  const [found, setFound] = useState<NonRun[]>([]);
  const [running, setRunning] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const abort = useRef<AbortController | null>(null);

  async function start() {
    abort.current?.abort();
    const mine = new AbortController();
    abort.current = mine;
    setFound([]);
    setProblem(null);
    setRunning(true);
    try {
      const answer = await fetch(`/v1/records/${module}/${encodeURIComponent(id)}/non-runs`, {
        signal: mine.signal,
      });
      if (!answer.ok || !answer.body) throw new Error(`The server answered ${answer.status}.`);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop() ?? "";
        const parsed = lines.filter(Boolean).map((line) => JSON.parse(line) as NonRun);
        setFound((now) => [...now, ...parsed.flatMap(entries)]);
      }
    } catch (error) {
      if (!mine.signal.aborted) setProblem(sentenceOf(error));
    } finally {
      if (abort.current === mine) setRunning(false);
    }
  }

  useEffect(() => () => abort.current?.abort(), []);
  return { found, running, problem, start, stop: () => abort.current?.abort() };
}

/** A line has one event with its workflows, or one workflow. */
function entries(line: NonRun & { workflows?: NonRun[] }): NonRun[] {
  return line.workflows
    ? line.workflows.map((each) => ({ ...each, event_id: line.event_id }))
    : line.reason
      ? [line]
      : [];
}
