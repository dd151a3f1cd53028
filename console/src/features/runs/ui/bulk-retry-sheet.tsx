import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { post, sentenceOf } from "../../../api/client";
import type { BulkPreview, BulkRetry } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Segments } from "../../../ui/segments";
import { Sheet } from "../../../ui/sheet";
import { Failure, Skeleton } from "../../../ui/states";

interface Props {
  /** Either run ids, or the filter of the list. */
  filter: object;
  onClose: () => void;
}

/** Retries many runs: the counts before, the pace, and then a page with the progress. */
export function BulkRetrySheet({ filter, onClose }: Props) {
  const navigate = useNavigate();
  const [version, setVersion] = useState<"pinned" | "latest">("pinned");
  const [pace, setPace] = useState(10);
  const body = { ...filter, status: undefined };
  const preview = useQuery({
    queryKey: ["bulk-preview", body],
    queryFn: () => post<BulkPreview>("/v1/bulk-retries/preview", body),
    gcTime: 0,
  });
  const start = useMutation({
    mutationFn: () => post<BulkRetry>("/v1/bulk-retries", { ...body, version, per_second: pace }),
    onSuccess: (made) => {
      onClose();
      navigate({ to: "/bulk-retries/$id", params: { id: made.id } });
    },
  });
  return (
    <Sheet
      title={t.bulk.title}
      onClose={onClose}
      foot={
        <>
          <Button onClick={onClose}>{t.cancel}</Button>
          <Button
            look="primary"
            disabled={!preview.data?.to_retry || start.isPending}
            onClick={() => start.mutate()}
          >
            {t.bulk.go(preview.data?.to_retry ?? 0)}
          </Button>
        </>
      }
    >
      {preview.isPending && <Skeleton label={t.loading} rows={2} />}
      {preview.isError && (
        <Failure sentence={sentenceOf(preview.error)} again={t.tryAgain} onAgain={() => preview.refetch()} />
      )}
      {start.isError && <Failure sentence={sentenceOf(start.error)} again={t.tryAgain} />}
      {preview.data && (
        <>
          <p>{t.bulk.matching(preview.data.matching, preview.data.to_retry)}</p>
          <ul className="stack small">
            {preview.data.workflows.map((each) => (
              <li key={each.workflow_id} className="row spread">
                <span>{each.workflow_name}</span>
                <span className="figures muted">
                  {each.to_retry} / {each.matching}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <Segments
        label={t.run.retryTitle}
        value={version}
        choices={[
          { value: "pinned", label: t.run.pinned },
          { value: "latest", label: t.run.latest },
        ]}
        onChange={setVersion}
      />
      <div className="field">
        <label htmlFor="pace">{t.bulk.pace}</label>
        <input
          id="pace"
          type="number"
          min={1}
          max={100}
          className="input"
          value={pace}
          onChange={(event) => setPace(Number(event.target.value) || 1)}
        />
      </div>
    </Sheet>
  );
}
