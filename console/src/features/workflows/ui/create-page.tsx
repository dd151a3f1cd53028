import { useEffect } from "react";
import { t } from "../../../i18n/en";
import { Starters } from "./starters";

export function CreatePage() {
  useEffect(() => {
    document.title = `${t.create.title} · ${t.product}`;
  }, []);
  return (
    <>
      <header className="page-head">
        <h1>{t.create.title}</h1>
      </header>
      <div className="page-body">
        <Starters />
      </div>
    </>
  );
}
