import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { call, sentenceOf } from "../../../api/client";
import { publishPreviewQuery } from "../../../api/queries";
import type { Published } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Sheet } from "../../../ui/sheet";
import { Failure, ProblemLine, Skeleton } from "../../../ui/states";
import { toast } from "../../../ui/toast";
import { changes } from "../model/diff";
import type { Document } from "../model/document";
import { ChangeList } from "./change-list";
import { useDraft, useEditing } from "./draft-context";

/** What a publish would change and meet; nothing is live before its button. */
export function PublishSheet({ onClose }: { onClose: () => void }) {
  const { id, workflow, catalog, flush, adopt } = useEditing();
  const document = useDraft((state) => state.document);
  const cache = useQueryClient();
  const [note, setNote] = useState("");
  const [ready, setReady] = useState(false);
  const preview = useQuery({ ...publishPreviewQuery(id), enabled: ready });
  const next = (workflow.version ?? 0) + 1;
  const first = workflow.version === null;

  useEffect(() => {
    flush().finally(() => setReady(true));
  }, [flush]);

  const publish = useMutation({
    mutationFn: async (activate: boolean) => {
      let answer = await call<Published>("POST", `/v1/workflows/${id}/publish`, {
        body: note.trim() ? { note: note.trim() } : {},
      });
      if (activate) answer = await call<Published>("POST", `/v1/workflows/${id}/activate`);
      return answer;
    },
    onSuccess: (answer) => {
      adopt(answer.etag);
      const version = answer.data.version ?? next;
      const live = answer.data.status === "active";
      toast(
        answer.data.effective
          ? live
            ? t.publish.done(version)
            : t.publish.donePaused(version)
          : t.publish.later,
      );
      for (const key of ["workflow", "workflows", "versions", "draft"])
        cache.invalidateQueries({ queryKey: [key] });
      onClose();
    },
  });

  const errors = preview.data?.problems.filter((each) => each.severity === "error") ?? [];
  const blocked = !preview.data || errors.length > 0 || publish.isPending;
  const sentences = [
    ...(preview.data?.analysis.loops ?? []),
    ...(preview.data?.analysis.conflicts ?? []),
  ].map((each) => each.sentence);
  return (
    <Sheet
      title={t.publish.title}
      wide
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t.cancel}</Button>
          {workflow.status !== "active" && (
            <Button
              look={first ? "primary" : "plain"}
              disabled={blocked}
              onClick={() => publish.mutate(true)}
            >
              {t.publish.goActive(next)}
            </Button>
          )}
          {!first && (
            <Button look="primary" disabled={blocked} onClick={() => publish.mutate(false)}>
              {t.publish.go(next)}
            </Button>
          )}
          {first && (
            <Button disabled={blocked} onClick={() => publish.mutate(false)}>
              {t.publish.go(next)}
            </Button>
          )}
        </>
      }
    >
      {publish.isError && <Failure sentence={sentenceOf(publish.error)} again={t.tryAgain} />}
      {preview.isError && (
        <Failure sentence={sentenceOf(preview.error)} again={t.tryAgain} onAgain={() => preview.refetch()} />
      )}
      {preview.isPending && <Skeleton label={t.loading} />}
      {errors.length > 0 && (
        <div className="stack">
          <h3>{t.publish.fix}</h3>
          {errors.map((each) => (
            <ProblemLine key={each.pointer + each.detail} text={`${each.pointer}: ${each.detail}`} />
          ))}
        </div>
      )}
      <div className="stack">
        <h3>{t.publish.changes}</h3>
        {first ? (
          <p className="muted">{t.publish.first}</p>
        ) : (
          <ChangeList
            list={changes((workflow.definition ?? {}) as Document, document)}
            catalog={catalog}
            module={document.trigger?.module}
          />
        )}
      </div>
      {sentences.length > 0 && (
        <div className="stack">
          <h3>{t.publish.analysis}</h3>
          {sentences.map((each) => (
            <ProblemLine key={each} advice text={each} />
          ))}
        </div>
      )}
      {!first && (preview.data?.in_flight ?? 0) > 0 && (
        <p className="small">{t.publish.inFlight(preview.data?.in_flight ?? 0, workflow.version ?? 0)}</p>
      )}
      <div className="field">
        <label htmlFor="publish-note">{t.publish.note}</label>
        <input
          id="publish-note"
          className="input"
          placeholder={t.publish.noteHint}
          maxLength={500}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
      </div>
    </Sheet>
  );
}
