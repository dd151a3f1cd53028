import { t } from "../../../i18n/en";
import { Segments } from "../../../ui/segments";
import { ProblemLine } from "../../../ui/states";
import { fieldsOf } from "../model/words";
import { useDraft, useEditing } from "./draft-context";

interface Props {
  mayEdit: boolean;
  wrong: Map<string, string[]> | undefined;
}

/** What starts the workflow: a module, an event, and what narrows it. */
export function TriggerSettings({ mayEdit, wrong }: Props) {
  const { catalog, draft } = useEditing();
  const trigger = useDraft((state) => state.document.trigger);
  const reentry = useDraft((state) => state.document.reentry ?? "avoid");
  const module = catalog?.triggers.find((each) => each.module === trigger?.module);
  const event = module?.events.find((each) => each.event === trigger?.event);
  const fields = fieldsOf(catalog, trigger?.module);
  const stages = catalog?.modules.find((each) => each.module === trigger?.module)?.stages ?? [];

  function stage(name: "from" | "to", value: string) {
    draft.edit(t.builder[name], (document) => {
      document.trigger ??= {};
      if (value) document.trigger[name] = value;
      else delete document.trigger[name];
    });
  }

  return (
    <div className="stack">
      {[...(wrong?.values() ?? [])].flat().map((each) => (
        <ProblemLine key={each} text={each} />
      ))}
      <div className="field">
        <label htmlFor="trigger-module">{t.builder.module}</label>
        <select
          id="trigger-module"
          className="select"
          value={trigger?.module ?? ""}
          disabled={!mayEdit}
          onChange={(change) => {
            const chosen = catalog?.triggers.find((each) => each.module === change.target.value);
            draft.edit(t.builder.module, (document) => {
              document.trigger = {
                module: change.target.value,
                event: chosen?.events[0]?.event ?? "created",
              };
            });
          }}
        >
          {!trigger?.module && <option value="">…</option>}
          {catalog?.triggers.map((each) => (
            <option key={each.module} value={each.module}>
              {each.label}
            </option>
          ))}
        </select>
      </div>
      {module && (
        <div className="field">
          <label htmlFor="trigger-event">{t.builder.event}</label>
          <select
            id="trigger-event"
            className="select"
            value={trigger?.event ?? ""}
            disabled={!mayEdit}
            onChange={(change) =>
              draft.edit(t.builder.event, (document) => {
                document.trigger = { module: module.module, event: change.target.value };
              })
            }
          >
            {module.events.map((each) => (
              <option key={each.event} value={each.event}>
                {each.label}
              </option>
            ))}
          </select>
        </div>
      )}
      {event?.narrow.includes("fields") && (
        <fieldset className="field" style={{ border: 0, padding: 0, margin: 0 }}>
          <legend className="label">{t.builder.narrowFields}</legend>
          {fields.map((field) => (
            <label key={field.name} className="row nowrap small">
              <input
                type="checkbox"
                checked={trigger?.fields?.includes(field.name) ?? false}
                disabled={!mayEdit}
                onChange={(change) =>
                  draft.edit(t.builder.narrowFields, (document) => {
                    document.trigger ??= {};
                    const now = new Set(document.trigger.fields ?? []);
                    if (change.target.checked) now.add(field.name);
                    else now.delete(field.name);
                    if (now.size) document.trigger.fields = [...now];
                    else delete document.trigger.fields;
                  })
                }
              />
              {field.label}
            </label>
          ))}
        </fieldset>
      )}
      {(["from", "to"] as const)
        .filter((name) => event?.narrow.includes(name))
        .map((name) => (
          <div key={name} className="field">
            <label htmlFor={`trigger-${name}`}>{t.builder[name]}</label>
            <select
              id={`trigger-${name}`}
              className="select"
              value={String(trigger?.[name] ?? "")}
              disabled={!mayEdit}
              onChange={(change) => stage(name, change.target.value)}
            >
              <option value="">{t.builder.any}</option>
              {stages.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </div>
        ))}
      <div className="field">
        <span className="label">{t.builder.reentry}</span>
        <div>
          <Segments
            label={t.builder.reentry}
            value={reentry}
            choices={[
              { value: "avoid", label: t.builder.avoid },
              { value: "allow", label: t.builder.allow },
            ]}
            disabled={!mayEdit}
            onChange={(value) => draft.edit(t.builder.reentry, (document) => void (document.reentry = value))}
          />
        </div>
      </div>
    </div>
  );
}
