import type { Catalog } from "../../../api/types";
import { t } from "../../../i18n/en";
import type { CardChange, Property } from "../model/diff";
import type { Condition, Trigger } from "../model/document";
import { conditionWords, fieldsOf, stepLabel, triggerWords } from "../model/words";

const KIND: Record<string, { word: string; tone: string }> = {
  added: { word: t.versions.added, tone: "tone-success" },
  removed: { word: t.versions.removed, tone: "tone-failed" },
  changed: { word: t.versions.changed, tone: "tone-accent" },
  moved: { word: t.versions.moved, tone: "tone-waiting" },
};

interface Props {
  list: CardChange[];
  catalog: Catalog | undefined;
  module: string | undefined;
}

/** Changes in words, one line each. */
export function ChangeList({ list, catalog, module }: Props) {
  if (list.length === 0) return <p className="muted">{t.versions.same}</p>;
  return (
    <ul className="stack">
      {list.map((each) => (
        <li key={each.card + each.kind} className="stack" style={{ gap: 4 }}>
          <div className="row">
            <KindChip kind={each.kind} />
            <strong>{cardName(each, catalog)}</strong>
          </div>
          {each.properties.map((property) => (
            <PropertyChange key={property.name} property={property} catalog={catalog} module={module} />
          ))}
        </li>
      ))}
    </ul>
  );
}

export function KindChip({ kind }: { kind: string }) {
  const look = KIND[kind];
  return look ? <span className={`chip ${look.tone}`}>{look.word}</span> : null;
}

export function cardName(change: CardChange, catalog: Catalog | undefined): string {
  if (change.card === "head") return t.tabs.label;
  if (change.card === "trigger") return t.builder.when;
  if (change.card === "conditions") return t.builder.onlyIf;
  const step = change.after ?? change.before;
  return step ? stepLabel(step, catalog) : change.card;
}

interface PropertyProps {
  property: Property;
  catalog: Catalog | undefined;
  module: string | undefined;
}

function PropertyChange({ property, catalog, module }: PropertyProps) {
  return (
    <div className="small wrap-anywhere">
      <span className="muted">{property.name.replaceAll("_", " ")}: </span>
      <del className="muted">{words(property, property.before, catalog, module)}</del>{" "}
      <ins>{words(property, property.after, catalog, module)}</ins>
    </div>
  );
}

function words(
  property: Property,
  value: unknown,
  catalog: Catalog | undefined,
  module: string | undefined,
): string {
  if (value === undefined || value === null) return t.none;
  if (property.name === "conditions") {
    return conditionWords(value as Condition, fieldsOf(catalog, module), catalog?.operators ?? []);
  }
  if (property.name === "trigger") return triggerWords(value as Trigger, catalog);
  return typeof value === "string" ? value || t.empty : JSON.stringify(value);
}
