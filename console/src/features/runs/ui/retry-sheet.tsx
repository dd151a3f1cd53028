import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { post, sentenceOf } from "../../../api/client";
import { retryPreviewQuery } from "../../../api/queries";
import type { RetryPreview, Run } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Segments } from "../../../ui/segments";
import { Sheet } from "../../../ui/sheet";
import { Failure, Skeleton } from "../../../ui/states";
import { toast } from "../../../ui/toast";

type Version = "pinned" | "latest";

/** What a Retry would do, action by action, before it is done: on the run's version and on the newest. */
export function RetrySheet({ run, onClose }: { run: Run; onClose: () => void }) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [version, setVersion] = useState<Version>("pinned");
  const pinned = useQuery(retryPreviewQuery(run.id, "pinned"));
  const latest = useQuery(retryPreviewQuery(run.id, "latest"));
  const chosen = version === "pinned" ? pinned : latest;
  const retry = useMutation({
    mutationFn: () =>
      post<{ id?: string; run_id?: string }>(`/v1/runs/${run.id}/retry`, {
        version,
        repeat_completed: false,
      }),
    onSuccess: (answer) => {
      toast(t.run.retried);
      cache.invalidateQueries({ queryKey: ["run", run.id] });
      onClose();
      const next = answer.id ?? answer.run_id;
      if (next) navigate({ to: "/runs/$id", params: { id: next } });
    },
  });
  const count = chosen.data?.actions.filter((each) => each.outcome === "will_run").length ?? 0;
  return (
    <Sheet
      title={t.run.retryTitle}
      wide
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t.cancel}</Button>
          <Button
            look="primary"
            disabled={!chosen.data?.possible || retry.isPending}
            onClick={() => retry.mutate()}
          >
            {t.run.retryGo(count)}
          </Button>
        </>
      }
    >
      {retry.isError && <Failure sentence={sentenceOf(retry.error)} again={t.tryAgain} />}
      <Segments
        label={t.run.retryTitle}
        value={version}
        choices={[
          { value: "pinned", label: t.run.pinned },
          { value: "latest", label: t.run.latest },
        ]}
        onChange={setVersion}
      />
      <div className="plan">
        <Plan title={t.run.pinned} preview={pinned.data} on={version === "pinned"} />
        <Plan title={t.run.latest} preview={latest.data} on={version === "latest"} />
      </div>
    </Sheet>
  );
}

const WORD = { will_run: t.run.willRun, will_not_repeat: t.run.willNot, unknown: t.run.perhaps };
const TONE = { will_run: "tone-running", will_not_repeat: "tone-quiet", unknown: "tone-unknown" };

function Plan({ title, preview, on }: { title: string; preview: RetryPreview | undefined; on: boolean }) {
  return (
    <section className={on ? "card" : ""} style={{ padding: 12 }} aria-current={on}>
      <div className="stack">
        <h3>{title}</h3>
        {!preview && <Skeleton label={t.loading} rows={2} />}
        {preview && !preview.possible && (
          <p className="small">
            {t.run.cannotRetry} {preview.reason}
          </p>
        )}
        {preview?.actions.map((each, index) => (
          <div key={each.id} className="small">
            <span className="row spread">
              <span>
                {index + 1} · {each.id}
              </span>
              <span className={`chip ${TONE[each.outcome]}`}>{WORD[each.outcome]}</span>
            </span>
            <span className="caption">{each.why}</span>
          </div>
        ))}
      </div>
    </section>
  );
}
