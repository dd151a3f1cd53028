import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { workflowsQuery } from "../api/queries";
import { t } from "../i18n/en";
import { Sheet } from "../ui/sheet";

const SHOWN_MAX = 12;
const PAGES = [
  { label: t.nav.workflows, href: "/workflows" },
  { label: t.grid.create, href: "/workflows/new" },
  { label: t.nav.runs, href: "/runs" },
  { label: t.nav.health, href: "/health" },
  { label: t.settings.templates, href: "/settings/templates" },
  { label: t.settings.secrets, href: "/settings/secrets" },
  { label: t.settings.keys, href: "/settings/keys" },
  { label: t.settings.audit, href: "/settings/audit" },
];
const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Ctrl+K: a workflow by its name, a run by its id, a page. */
export function GoTo({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const navigate = useNavigate();
  const { data } = useQuery(workflowsQuery({ text: text || undefined }));
  const wanted = text.trim().toLowerCase();
  const places = [
    ...(RUN_ID.test(wanted) ? [{ label: `${t.run.title} ${wanted}`, href: `/runs/${wanted}` }] : []),
    ...PAGES.filter((page) => page.label.toLowerCase().includes(wanted)),
    ...(data?.items ?? []).map((each) => ({ label: each.name, href: `/workflows/${each.id}` })),
  ].slice(0, SHOWN_MAX);

  function go(href: string) {
    onClose();
    navigate({ to: href });
  }

  return (
    <Sheet title={t.goTo} onClose={onClose}>
      <input
        className="input"
        // biome-ignore lint/a11y/noAutofocus: opened by a key, to type at once
        autoFocus
        role="combobox"
        aria-expanded
        aria-controls="goto-places"
        aria-label={t.goToHint}
        placeholder={t.goToHint}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setChosen(Math.min(chosen + 1, places.length - 1));
          else if (event.key === "ArrowUp") setChosen(Math.max(chosen - 1, 0));
          else if (event.key === "Enter" && places[chosen]) go(places[chosen].href);
          else return;
          event.preventDefault();
        }}
      />
      <div className="goto-list" id="goto-places" role="listbox" aria-label={t.goTo}>
        {places.map((place, index) => (
          <button
            key={place.href}
            type="button"
            role="option"
            aria-selected={index === chosen}
            data-chosen={index === chosen}
            tabIndex={-1}
            onClick={() => go(place.href)}
          >
            <span className="cut">{place.label}</span>
          </button>
        ))}
      </div>
    </Sheet>
  );
}
