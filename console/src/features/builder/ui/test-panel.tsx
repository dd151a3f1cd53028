import { useMutation, useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { call, post, sentenceOf } from "../../../api/client";
import { recentRecordsQuery } from "../../../api/queries";
import type { TestedAction, TestOutcome, VerdictNode } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Segments } from "../../../ui/segments";
import { Failure, Json, ProblemLine } from "../../../ui/states";
import { Status } from "../../../ui/status";
import { Time } from "../../../ui/time";
import { fieldsOf, stepLabel } from "../model/words";
import { VerdictTree } from "./condition-tree";
import { useDraft, useEditing } from "./draft-context";

const REPEAT_MS = 900;
type Subject = { event_id: string } | { record: Record<string, unknown> };

interface Props {
  onClose: () => void;
  onTested: (outcome: TestOutcome | null) => void;
  onSample: (record: Record<string, unknown> | undefined) => void;
}

/** Tries the draft on a record: nothing is sent. It repeats when the draft changes. */
export function TestPanel({ onClose, onTested, onSample }: Props) {
  const { id, catalog, flush } = useEditing();
  const document = useDraft((state) => state.document);
  const module = document.trigger?.module ?? "leads";
  const [how, setHow] = useState<"recent" | "typed">("recent");
  const [text, setText] = useState("");
  const [subject, setSubject] = useState<Subject | null>(null);
  const [typed, setTyped] = useState(() => example(fieldsOf(catalog, module)));
  const [typedWrong, setTypedWrong] = useState(false);
  const recent = useQuery(recentRecordsQuery(module, text));
  const test = useMutation({
    mutationFn: async (on: Subject) => {
      await flush();
      return post<TestOutcome>(`/v1/workflows/${id}/test`, on);
    },
    onSuccess: onTested,
    onError: () => onTested(null),
  });
  const run = test.mutate;

  // The same record again, once the draft has rested.
  const last = useRef(document);
  useEffect(() => {
    if (!subject || last.current === document) return;
    const timer = setTimeout(() => {
      last.current = document;
      run(subject);
    }, REPEAT_MS);
    return () => clearTimeout(timer);
  }, [document, subject, run]);

  async function choose(on: Subject) {
    setSubject(on);
    last.current = document;
    run(on);
    if ("record" in on) onSample(on.record);
    else {
      try {
        const event = await call<{ record: Record<string, unknown> }>(
          "GET",
          `/v1/events/${encodeURIComponent(on.event_id)}`,
          {
            query: { module },
          },
        );
        onSample(event.data.record);
      } catch {
        onSample(undefined);
      }
    }
  }

  function runTyped() {
    try {
      const record: unknown = JSON.parse(typed);
      if (typeof record !== "object" || record === null || Array.isArray(record))
        throw new Error("no object");
      setTypedWrong(false);
      choose({ record: record as Record<string, unknown> });
    } catch {
      setTypedWrong(true);
    }
  }

  return (
    <aside
      className="panel"
      aria-label={t.test.title}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && subject) run(subject);
      }}
    >
      <div className="panel-head">
        <h2 className="grow">{t.test.title}</h2>
        <Button look="quiet" small icon aria-label={t.close} onClick={onClose}>
          <X size={16} aria-hidden />
        </Button>
      </div>
      <p className="notice accent">{t.test.nothingSent}</p>
      <Segments
        label={t.test.pick}
        value={how}
        choices={[
          { value: "recent", label: t.test.recent },
          { value: "typed", label: t.test.typeIn },
        ]}
        onChange={setHow}
      />
      {how === "recent" ? (
        <div className="stack">
          <input
            type="search"
            className="input"
            aria-label={t.search}
            placeholder={t.search}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          {recent.isError && (
            <Failure
              sentence={sentenceOf(recent.error)}
              again={t.tryAgain}
              onAgain={() => recent.refetch()}
            />
          )}
          {recent.data?.items.length === 0 && <p className="muted small">{t.test.none}</p>}
          <div className="record-list">
            {recent.data?.items.map((each) => (
              <button
                key={each.record_id}
                type="button"
                aria-pressed={subject !== null && "event_id" in subject && subject.event_id === each.event_id}
                onClick={() => choose({ event_id: each.event_id })}
              >
                <span className="cut">{each.title ?? each.record_id}</span>
                <span className="caption">
                  <Time at={each.at} />
                </span>
                <span className="caption cut">
                  {each.record_id} · {each.last_event.replaceAll("_", " ")}
                </span>
              </button>
            ))}
          </div>
        </div>
      ) : (
        <div className="field">
          <label htmlFor="typed-record">{t.test.json}</label>
          <textarea
            id="typed-record"
            className="input mono"
            rows={10}
            value={typed}
            aria-invalid={typedWrong}
            onChange={(event) => setTyped(event.target.value)}
          />
          {typedWrong && <ProblemLine text={t.test.notJson} />}
          <div>
            <Button onClick={runTyped}>{t.test.run}</Button>
          </div>
        </div>
      )}
      {test.isError && (
        <Failure
          sentence={sentenceOf(test.error)}
          again={t.tryAgain}
          onAgain={() => subject && run(subject)}
        />
      )}
      {test.data && !test.isError && <Outcome outcome={test.data} />}
    </aside>
  );
}

function example(fields: { name: string; type: string; options: string[] }[]): string {
  const record = Object.fromEntries(
    fields
      .slice(0, 12)
      .map((field) => [
        field.name,
        field.options[0] ??
          (field.type === "number" || field.type === "money" ? 60000 : field.name === "id" ? "test-1" : ""),
      ]),
  );
  return JSON.stringify(record, null, 2);
}

function Outcome({ outcome }: { outcome: TestOutcome }) {
  const { catalog } = useEditing();
  const module = useDraft((state) => state.document.trigger?.module);
  const fields = fieldsOf(catalog, module);
  return (
    <div className="tested" aria-live="polite">
      <div className="row">
        <Status
          status={outcome.would_run ? "success" : "skipped"}
          word={outcome.would_run ? t.test.wouldRun : t.test.wouldNot}
        />
        <span className="small muted grow">{outcome.verdict.sentence}</span>
      </div>
      {!outcome.trigger_matches && <ProblemLine advice text={t.test.triggerNo} />}
      {Boolean(outcome.verdict.tree) && (
        <VerdictTree
          node={outcome.verdict.tree as VerdictNode}
          fields={fields}
          operators={catalog?.operators ?? []}
        />
      )}
      {outcome.actions.map((action, index) => (
        <section key={action.id} className="card" style={{ padding: 12 }}>
          <div className="stack">
            <h3>
              {index + 1} · {stepLabel(action, catalog)}
            </h3>
            {action.problems.map((each) => (
              <ProblemLine
                key={each.pointer + each.detail}
                text={`${each.pointer.replace(/^\//, "")} ${each.detail}`}
              />
            ))}
            {action.warnings.map((each) => (
              <ProblemLine key={each} advice text={each} />
            ))}
            <Sent action={action} />
          </div>
        </section>
      ))}
      {outcome.assumptions.length > 0 && (
        <p className="caption">
          {t.test.assumptions}: {outcome.assumptions.join("; ")}
        </p>
      )}
    </div>
  );
}

/** An action as it would be sent: a mail like a mail, everything else by its parts. */
export function Sent({ action }: { action: Pick<TestedAction, "type" | "with"> }) {
  const sent = action.with as Record<string, unknown>;
  if (action.type === "send_email") {
    return (
      <div className="mail">
        <header>
          <span>
            <span className="muted">To</span> {list(sent.to)}
          </span>
          <strong>{String(sent.subject ?? "")}</strong>
        </header>
        <pre>{String(sent.text ?? sent.html ?? "")}</pre>
      </div>
    );
  }
  if (action.type === "webhook") {
    return (
      <>
        <p className="mono wrap-anywhere">
          <strong>{String(sent.method ?? "POST")}</strong> {String(sent.url ?? "")}
        </p>
        {sent.body !== undefined && <Json value={sent.body} label="Body" />}
        {sent.form !== undefined && <Json value={sent.form} label="Form" />}
        {sent.raw !== undefined && <pre className="json mono">{String(sent.raw)}</pre>}
      </>
    );
  }
  return (
    <dl className="pairs">
      {Object.entries(sent).map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd>
            {typeof value === "string" ? value : Array.isArray(value) ? list(value) : JSON.stringify(value)}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const list = (value: unknown) => (Array.isArray(value) ? value.map(String).join(", ") : String(value ?? ""));
