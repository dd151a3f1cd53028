import "./shell.css";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { post, sentenceOf } from "../api/client";
import { sessionQuery } from "../api/queries";
import type { Session } from "../api/types";
import { t } from "../i18n/en";
import { Button } from "../ui/button";
import { ProblemLine } from "../ui/states";

export function SignIn() {
  const { token, to } = useSearch({ from: "/signin" });
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(Boolean(token));
  const redeemed = useRef(false);
  const cache = useQueryClient();
  const navigate = useNavigate();

  async function signIn(body: { key: string } | { token: string }) {
    setBusy(true);
    setProblem(null);
    try {
      const session = await post<Session>("/v1/session", body);
      cache.clear();
      cache.setQueryData(sessionQuery.queryKey, session);
      navigate({ to: to?.startsWith("/") && !to.startsWith("//") ? to : "/workflows", replace: true });
    } catch (error) {
      setProblem(sentenceOf(error));
      setBusy(false);
    }
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: a link is redeemed once
  useEffect(() => {
    if (token && !redeemed.current) {
      redeemed.current = true;
      signIn({ token });
    }
  }, [token]);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (key.trim()) signIn({ key: key.trim() });
  }

  return (
    <main className="signin">
      <form className="card" onSubmit={submit}>
        <img src="/icon.svg" alt="" width={40} height={40} />
        <h1>{t.signin.title}</h1>
        <div className="field">
          <label htmlFor="key">{t.signin.key}</label>
          <input
            id="key"
            className="input mono"
            type="password"
            autoComplete="current-password"
            value={key}
            aria-describedby="key-where"
            aria-invalid={problem !== null}
            onChange={(event) => setKey(event.target.value)}
          />
          <p id="key-where" className="caption">
            {t.signin.where}
          </p>
          <div role="alert">{problem && <ProblemLine text={problem} />}</div>
        </div>
        <Button look="primary" type="submit" disabled={busy}>
          {busy && token ? t.signin.link : t.signin.go}
        </Button>
      </form>
    </main>
  );
}
