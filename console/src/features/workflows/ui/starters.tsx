import "./grid.css";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { post, sentenceOf } from "../../../api/client";
import type { Workflow } from "../../../api/types";
import { t } from "../../../i18n/en";
import { toast } from "../../../ui/toast";
import type { Document } from "../../builder/model/document";
import { STARTERS } from "../model/starters";

const BLANK: Document = { name: "Untitled workflow" };

/** Templates to start from; choosing one makes a draft and opens it. */
export function Starters() {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const make = useMutation({
    mutationFn: (document: Document) => post<Workflow>("/v1/workflows", document),
    onSuccess: (made) => {
      cache.invalidateQueries({ queryKey: ["workflows"] });
      navigate({ to: "/workflows/$id", params: { id: made.id } });
    },
    onError: (error) => toast(sentenceOf(error)),
  });
  return (
    <div className="starters">
      <button
        type="button"
        className="card starter"
        disabled={make.isPending}
        onClick={() => make.mutate(BLANK)}
      >
        <strong>{t.create.blank}</strong>
        <span className="small muted">{t.create.blankHint}</span>
      </button>
      {STARTERS.map((starter) => (
        <button
          key={starter.id}
          type="button"
          className="card starter"
          disabled={make.isPending}
          onClick={() => make.mutate(starter.document)}
        >
          <strong>{starter.title}</strong>
          <span className="small muted">{starter.text}</span>
        </button>
      ))}
    </div>
  );
}
