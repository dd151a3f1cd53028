import "./shell.css";
import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { Activity, LogOut, Search, Settings, Workflow, Zap } from "lucide-react";
import { useEffect, useState } from "react";
import { call, signedOut } from "../api/client";
import { sessionQuery } from "../api/queries";
import { followRuns } from "../api/stream";
import { t } from "../i18n/en";
import { Button } from "../ui/button";
import { Toasts } from "../ui/toast";
import { useConnection } from "./connection";
import { GoTo } from "./goto";

const PAGES = [
  { to: "/workflows", label: t.nav.workflows, icon: Workflow },
  { to: "/runs", label: t.nav.runs, icon: Zap },
  { to: "/health", label: t.nav.health, icon: Activity },
  { to: "/settings", label: t.nav.settings, icon: Settings },
] as const;

export function Shell() {
  const { data: session } = useSuspenseQuery(sessionQuery);
  const cache = useQueryClient();
  const navigate = useNavigate();
  const away = useConnection((state) => state.away);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [finding, setFinding] = useState(false);

  useEffect(() => followRuns(cache), [cache]);
  useEffect(() => {
    function leave() {
      cache.removeQueries({ queryKey: ["session"] });
      navigate({ to: "/signin", search: { to: location.pathname + location.search } });
    }
    signedOut.addEventListener("signedout", leave);
    return () => signedOut.removeEventListener("signedout", leave);
  }, [cache, navigate]);
  useEffect(() => {
    function key(event: KeyboardEvent) {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setFinding(true);
      }
    }
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);

  async function signOut() {
    await call("DELETE", "/v1/session");
    cache.clear();
    navigate({ to: "/signin" });
  }

  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t.skipLink}
      </a>
      <nav className="nav" aria-label={t.nav.label}>
        <Link to="/workflows" className="brand">
          <img src="/icon.svg" alt="" />
          <span>{t.product}</span>
        </Link>
        <Button className="find" small onClick={() => setFinding(true)}>
          <span className="row nowrap">
            <Search size={14} aria-hidden />
            {t.goTo}
          </span>
          <span className="kbd">Ctrl K</span>
        </Button>
        {PAGES.map((page) => (
          <Link
            key={page.to}
            to={page.to}
            className="page"
            aria-current={path.startsWith(page.to) ? "page" : undefined}
          >
            <page.icon size={17} aria-hidden />
            {page.label}
          </Link>
        ))}
        <div className="who">
          <div className="caption cut" title={`${session.name} · ${session.tenant_id}`}>
            {session.name} · {session.role}
          </div>
          <Button look="quiet" small onClick={signOut}>
            <LogOut size={14} aria-hidden />
            {t.nav.signOut}
          </Button>
        </div>
      </nav>
      <main className="main" id="content">
        {away && (
          <div className="notice" role="status">
            {t.away}
          </div>
        )}
        <Outlet />
      </main>
      <Toasts undo={t.undo} />
      {finding && <GoTo onClose={() => setFinding(false)} />}
    </div>
  );
}
