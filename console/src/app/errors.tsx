import { Link } from "@tanstack/react-router";
import { sentenceOf } from "../api/client";
import { t } from "../i18n/en";
import { Button } from "../ui/button";
import { Empty } from "../ui/states";

/** A page that broke: what happened, and a way on. */
export function Broken({ error, reset }: { error: unknown; reset?: () => void }) {
  return (
    <Empty
      title={t.broken}
      action={<Button onClick={() => (reset ? reset() : location.reload())}>{t.tryAgain}</Button>}
    >
      {sentenceOf(error)}
    </Empty>
  );
}

export function NotFound() {
  return (
    <Empty title={t.notFound} action={<Link to="/workflows">{t.nav.workflows}</Link>}>
      <h1 className="visually-hidden">{t.notFound}</h1>
    </Empty>
  );
}
