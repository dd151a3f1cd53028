import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { call, sentenceOf } from "../../../api/client";
import { bulkRetryQuery } from "../../../api/queries";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Failure, Skeleton } from "../../../ui/states";
import { Status } from "../../../ui/status";

/** A bulk retry on its way: how far it is, and what came of each run. */
export function BulkRetryPage() {
  const { id } = useParams({ from: "/shell/bulk-retries/$id" });
  const cache = useQueryClient();
  const bulk = useQuery(bulkRetryQuery(id));
  const abort = useMutation({
    mutationFn: () => call("DELETE", `/v1/bulk-retries/${id}`),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["bulk-retry", id] }),
  });
  const word = { running: "running", done: "success", aborted: "canceled" };
  return (
    <>
      <header className="page-head">
        <h1>{t.bulk.progress}</h1>
        {bulk.data?.status === "running" && <Button onClick={() => abort.mutate()}>{t.bulk.abort}</Button>}
      </header>
      <div className="page-body stack">
        {bulk.isPending && <Skeleton label={t.loading} />}
        {bulk.isError && (
          <Failure sentence={sentenceOf(bulk.error)} again={t.tryAgain} onAgain={() => bulk.refetch()} />
        )}
        {bulk.data && (
          <>
            <div className="row">
              <Status status={word[bulk.data.status]} word={bulk.data.status} />
              <span className="figures">
                {t.bulk.result(bulk.data.retried, bulk.data.refused, bulk.data.runs)}
              </span>
            </div>
            <progress
              max={bulk.data.runs || 1}
              value={bulk.data.retried + bulk.data.refused}
              aria-label={t.bulk.progress}
            />
            <div className="card scroll-x">
              <table className="plain-table">
                <tbody>
                  {bulk.data.results.map((each) => (
                    <tr key={each.run_id}>
                      <td>
                        <Link to="/runs/$id" params={{ id: each.run_id }} className="mono">
                          {each.run_id.slice(0, 13)}
                        </Link>
                      </td>
                      <td>
                        {each.new_run_id ? (
                          <Link to="/runs/$id" params={{ id: each.new_run_id }} className="mono">
                            {each.new_run_id.slice(0, 13)}
                          </Link>
                        ) : (
                          (each.problem ?? "…")
                        )}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </>
        )}
      </div>
    </>
  );
}
