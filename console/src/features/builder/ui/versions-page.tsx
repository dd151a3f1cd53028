import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call, sentenceOf } from "../../../api/client";
import { draftQuery, versionsQuery } from "../../../api/queries";
import type { WorkflowDetail } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Empty, Failure, Skeleton } from "../../../ui/states";
import { Time } from "../../../ui/time";
import { toast } from "../../../ui/toast";
import type { Document } from "../model/document";
import { useEditing } from "./draft-context";

/** What was published, when, by whom; any of it can be looked at beside another, and restored. */
export function VersionsPage() {
  const { id, workflow, role, adopt } = useEditing();
  const cache = useQueryClient();
  const versions = useQuery(versionsQuery(id));
  const mayEdit = role === "editor" || role === "admin";
  const restore = useMutation({
    mutationFn: (number: number) =>
      call<WorkflowDetail>("POST", `/v1/workflows/${id}/versions/${number}/restore`),
    onSuccess: (answer, number) => {
      adopt(answer.etag, (answer.data.draft ?? answer.data.definition ?? {}) as Document);
      cache.invalidateQueries({ queryKey: draftQuery(id).queryKey });
      toast(t.versions.restored(number));
    },
    onError: (error) => toast(sentenceOf(error)),
  });
  return (
    <div className="page-body" style={{ paddingTop: 20 }}>
      {versions.isPending && <Skeleton label={t.loading} />}
      {versions.isError && (
        <Failure
          sentence={sentenceOf(versions.error)}
          again={t.tryAgain}
          onAgain={() => versions.refetch()}
        />
      )}
      {versions.data?.items.length === 0 && <Empty title={t.versions.none} />}
      {(versions.data?.items.length ?? 0) > 0 && (
        <div className="card scroll-x">
          <table className="plain-table">
            <thead>
              <tr>
                <th>{t.tabs.versions}</th>
                <th>{t.settings.when}</th>
                <th>{t.settings.who}</th>
                <th>{t.publish.note}</th>
                <th>
                  <span className="visually-hidden">{t.more}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {versions.data?.items.map((each) => (
                <tr key={each.version}>
                  <td className="figures">
                    <strong>{each.version}</strong>{" "}
                    {each.version === workflow.version && (
                      <span className="chip tone-success">{t.versions.live}</span>
                    )}
                  </td>
                  <td>
                    <Time at={each.published_at} form="day" />
                  </td>
                  <td>{each.published_by.replace(/^key:/, "")}</td>
                  <td className="wrap-anywhere">{each.note ?? <span className="muted">–</span>}</td>
                  <td>
                    <span className="row" style={{ justifyContent: "flex-end" }}>
                      <Link
                        to="/workflows/$id/compare"
                        params={{ id }}
                        search={{ a: each.version }}
                        className="btn btn-small"
                      >
                        {t.versions.compare}
                      </Link>
                      {mayEdit && (
                        <Button
                          small
                          disabled={restore.isPending}
                          onClick={() => restore.mutate(each.version)}
                        >
                          {t.versions.restore}
                        </Button>
                      )}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
