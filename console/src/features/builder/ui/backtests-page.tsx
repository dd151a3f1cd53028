import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, post, sentenceOf } from "../../../api/client";
import { backtestsQuery } from "../../../api/queries";
import type { Backtest } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Segments } from "../../../ui/segments";
import { Empty, Failure } from "../../../ui/states";
import { Status } from "../../../ui/status";
import { Time } from "../../../ui/time";
import { toast } from "../../../ui/toast";
import { useEditing } from "./draft-context";

const DAY_MS = 86_400_000;
type Period = "1" | "7" | "30";

/** Past events put through the draft: how often it would have run, and why not. */
export function BacktestsPage() {
  const { id, role, flush } = useEditing();
  const cache = useQueryClient();
  const [period, setPeriod] = useState<Period>("7");
  const backtests = useQuery(backtestsQuery(id));
  const start = useMutation({
    mutationFn: async () => {
      await flush();
      return post<Backtest>(`/v1/workflows/${id}/backtests`, {
        from: new Date(Date.now() - Number(period) * DAY_MS).toISOString(),
      });
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: ["backtests", id] }),
    onError: (error) => toast(sentenceOf(error)),
  });
  const mayEdit = role === "editor" || role === "admin";
  return (
    <div className="page-body stack" style={{ paddingTop: 20 }}>
      <div className="row spread">
        <div>
          <h2>{t.backtests.title}</h2>
          <p className="muted small">{t.backtests.text}</p>
        </div>
        {mayEdit && (
          <div className="row">
            <Segments
              label={t.backtests.period}
              value={period}
              choices={[
                { value: "1", label: t.backtests.day },
                { value: "7", label: t.backtests.week },
                { value: "30", label: t.backtests.month },
              ]}
              onChange={setPeriod}
            />
            <Button look="primary" disabled={start.isPending} onClick={() => start.mutate()}>
              {t.backtests.start}
            </Button>
          </div>
        )}
      </div>
      {backtests.isError && (
        <Failure
          sentence={sentenceOf(backtests.error)}
          again={t.tryAgain}
          onAgain={() => backtests.refetch()}
        />
      )}
      {backtests.data?.items.length === 0 && <Empty title={t.backtests.none} />}
      {backtests.data?.items.map((each) => (
        <Result key={each.id} backtest={each} workflowId={id} mayEdit={mayEdit} />
      ))}
    </div>
  );
}

const STATUS: Record<string, string> = {
  done: "success",
  failed: "failed",
  canceled: "canceled",
  running: "running",
  waiting: "waiting",
};

function Result({
  backtest,
  workflowId,
  mayEdit,
}: {
  backtest: Backtest;
  workflowId: string;
  mayEdit: boolean;
}) {
  const cache = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => call("DELETE", `/v1/workflows/${workflowId}/backtests/${backtest.id}`),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["backtests", workflowId] }),
  });
  const open = backtest.status === "running" || backtest.status === "waiting";
  const result = backtest.result as Record<string, unknown> | null;
  const figures = Object.entries(result ?? {}).filter(([, value]) => typeof value === "number");
  return (
    <section className="card" style={{ padding: 16 }}>
      <div className="stack">
        <div className="row spread">
          <span className="row">
            <Status status={STATUS[backtest.status] ?? "waiting"} word={backtest.status} />
            <Time at={backtest.created_at} />
          </span>
          {open && mayEdit && (
            <Button small onClick={() => cancel.mutate()}>
              {t.backtests.cancel}
            </Button>
          )}
        </div>
        {backtest.error && <Failure sentence={backtest.error} again={t.tryAgain} />}
        {figures.length > 0 && (
          <dl className="pairs figures">
            {figures.map(([name, value]) => (
              <div key={name} style={{ display: "contents" }}>
                <dt>{name.replaceAll("_", " ")}</dt>
                <dd>{(value as number).toLocaleString("en")}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </section>
  );
}
