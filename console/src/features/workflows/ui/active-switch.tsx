import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { call, post, sentenceOf } from "../../../api/client";
import type { Workflow } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Sheet } from "../../../ui/sheet";
import { Switch } from "../../../ui/switch";
import { toast } from "../../../ui/toast";

const IN_FLIGHT = ["running", "waiting", "canceling"];

/** Active or Paused. Pausing asks only when runs are in flight. */
export function ActiveSwitch({ workflow, mayEdit }: { workflow: Workflow; mayEdit: boolean }) {
  const cache = useQueryClient();
  const [asking, setAsking] = useState(false);
  const inFlight = IN_FLIGHT.reduce((sum, status) => sum + (workflow.runs_by_status[status] ?? 0), 0);
  const change = useMutation({
    mutationFn: async (to: "activate" | "finish" | "cancel") => {
      if (to === "activate") return call("POST", `/v1/workflows/${workflow.id}/activate`);
      return post(`/v1/workflows/${workflow.id}/pause`, { in_flight: to });
    },
    onSuccess: (_answer, to) => {
      toast(to === "activate" ? t.grid.activated(workflow.name) : t.grid.pausedNow(workflow.name));
      cache.invalidateQueries({ queryKey: ["workflows"] });
      cache.invalidateQueries({ queryKey: ["workflow", workflow.id] });
    },
    onError: (error) => toast(sentenceOf(error)),
  });
  const on = change.isPending ? change.variables === "activate" : workflow.status === "active";

  function pause(how: "finish" | "cancel") {
    setAsking(false);
    change.mutate(how);
  }

  return (
    <>
      <Switch
        on={on}
        label={on ? t.grid.active : t.grid.paused}
        of={workflow.name}
        disabled={!mayEdit || change.isPending || workflow.status === "archived"}
        onChange={(wanted) => {
          if (wanted) change.mutate("activate");
          else if (inFlight > 0) setAsking(true);
          else change.mutate("finish");
        }}
      />
      {asking && (
        <Sheet
          title={t.grid.pauseTitle(workflow.name)}
          onClose={() => setAsking(false)}
          foot={
            <>
              <Button look="danger" onClick={() => pause("cancel")}>
                {t.grid.cancelRuns}
              </Button>
              <Button look="primary" onClick={() => pause("finish")}>
                {t.grid.letFinish}
              </Button>
            </>
          }
        >
          <p>{t.grid.pauseText(inFlight)}</p>
        </Sheet>
      )}
    </>
  );
}
