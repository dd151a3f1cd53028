import { useMutation, useQuery, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { call, post, sentenceOf } from "../../../api/client";
import { auditQuery, keysQuery, secretsQuery, sessionQuery, templatesQuery } from "../../../api/queries";
import type { ApiKey, EmailTemplate, Role } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Button } from "../../../ui/button";
import { Segments } from "../../../ui/segments";
import { Sheet } from "../../../ui/sheet";
import { Empty, Failure, ProblemLine } from "../../../ui/states";
import { Time } from "../../../ui/time";
import { toast } from "../../../ui/toast";

const RANK: Record<Role, number> = { viewer: 1, operator: 2, editor: 3, admin: 4 };
const PARTS = [
  { part: "templates", label: t.settings.templates, role: "viewer" },
  { part: "secrets", label: t.settings.secrets, role: "viewer" },
  { part: "keys", label: t.settings.keys, role: "admin" },
  { part: "audit", label: t.settings.audit, role: "operator" },
  { part: "appearance", label: t.settings.appearance, role: "viewer" },
] as const;

export function SettingsPage() {
  const { part } = useParams({ from: "/shell/settings/$part" });
  const { data: session } = useSuspenseQuery(sessionQuery);
  const role = session.role as Role;
  useEffect(() => {
    document.title = `${t.settings.title} · ${t.product}`;
  }, []);
  return (
    <>
      <header className="page-head">
        <h1>{t.settings.title}</h1>
      </header>
      <nav className="page-body" aria-label={t.settings.title} style={{ paddingBlock: "0 16px" }}>
        <div className="tab-list">
          {PARTS.filter((each) => RANK[role] >= RANK[each.role]).map((each) => (
            <Link
              key={each.part}
              to="/settings/$part"
              params={{ part: each.part }}
              aria-current={part === each.part ? "page" : undefined}
            >
              {each.label}
            </Link>
          ))}
        </div>
      </nav>
      <div className="page-body">
        {part === "templates" && <Templates mayEdit={RANK[role] >= RANK.editor} />}
        {part === "secrets" && <Secrets mayEdit={role === "admin"} />}
        {part === "keys" && <Keys />}
        {part === "audit" && <Audit />}
        {part === "appearance" && <Appearance />}
      </div>
    </>
  );
}

interface ListProps {
  error: unknown;
  count: number | undefined;
  action?: ReactNode;
  children: ReactNode;
}

function List({ error, count, action, children }: ListProps) {
  return (
    <div className="stack">
      {action && (
        <div className="row" style={{ justifyContent: "flex-end" }}>
          {action}
        </div>
      )}
      {error !== null && error !== undefined && <Failure sentence={sentenceOf(error)} again={t.tryAgain} />}
      {count === 0 && (
        <div className="card">
          <Empty title={t.settings.nothing} />
        </div>
      )}
      {(count ?? 0) > 0 && (
        <div className="card scroll-x">
          <table className="plain-table">{children}</table>
        </div>
      )}
    </div>
  );
}

function Templates({ mayEdit }: { mayEdit: boolean }) {
  const templates = useQuery(templatesQuery);
  const [open, setOpen] = useState<EmailTemplate | "new" | null>(null);
  return (
    <>
      <List
        error={templates.error}
        count={templates.data?.items.length}
        action={mayEdit && <Button onClick={() => setOpen("new")}>{t.settings.newTemplate}</Button>}
      >
        <thead>
          <tr>
            <th>{t.settings.name}</th>
            <th>{t.settings.subject}</th>
            <th>{t.settings.updated}</th>
          </tr>
        </thead>
        <tbody>
          {templates.data?.items.map((each) => (
            <tr key={each.name}>
              <td>
                <button type="button" className="btn btn-quiet btn-small" onClick={() => setOpen(each)}>
                  {each.name}
                </button>
              </td>
              <td className="wrap-anywhere">{each.subject}</td>
              <td>
                <Time at={each.updated_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </List>
      {open && (
        <TemplateSheet
          template={open === "new" ? null : open}
          mayEdit={mayEdit}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}

interface TemplateSheetProps {
  template: EmailTemplate | null;
  mayEdit: boolean;
  onClose: () => void;
}

function TemplateSheet({ template, mayEdit, onClose }: TemplateSheetProps) {
  const cache = useQueryClient();
  const [name, setName] = useState(template?.name ?? "");
  const [subject, setSubject] = useState(template?.subject ?? "");
  const [text, setText] = useState(template?.text ?? "");
  const [html, setHtml] = useState(template?.html ?? "");
  const save = useMutation({
    mutationFn: () => {
      const body = { subject, text: text || null, html: html || null };
      return template
        ? call("PUT", `/v1/email-templates/${encodeURIComponent(template.name)}`, { body, ifMatch: "*" })
        : post("/v1/email-templates", { name, ...body });
    },
    onSuccess: () => {
      cache.invalidateQueries({ queryKey: templatesQuery.queryKey });
      onClose();
    },
  });
  return (
    <Sheet
      title={template?.name ?? t.settings.newTemplate}
      wide
      onClose={onClose}
      foot={
        mayEdit && (
          <Button look="primary" disabled={!name || !subject || save.isPending} onClick={() => save.mutate()}>
            {t.save}
          </Button>
        )
      }
    >
      {save.isError && <ProblemLine text={sentenceOf(save.error)} />}
      {!template && <Field id="template-name" label={t.settings.name} value={name} onChange={setName} />}
      <Field id="template-subject" label={t.settings.subject} value={subject} onChange={setSubject} />
      <Field id="template-text" label={t.settings.text} value={text} onChange={setText} long />
      <Field id="template-html" label={t.settings.html} value={html} onChange={setHtml} long mono />
    </Sheet>
  );
}

interface FieldProps {
  id: string;
  label: string;
  value: string;
  long?: boolean;
  mono?: boolean;
  type?: string;
  onChange: (value: string) => void;
}

function Field({ id, label, value, long, mono, type = "text", onChange }: FieldProps) {
  const className = mono ? "input mono" : "input";
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {long ? (
        <textarea
          id={id}
          className={className}
          rows={6}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <input
          id={id}
          className={className}
          type={type}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </div>
  );
}

function Secrets({ mayEdit }: { mayEdit: boolean }) {
  const cache = useQueryClient();
  const secrets = useQuery(secretsQuery);
  const [open, setOpen] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const save = useMutation({
    mutationFn: () =>
      open
        ? call("PUT", `/v1/secrets/${encodeURIComponent(open)}`, { body: { value } })
        : call("POST", "/v1/secrets", { body: { name, value } }),
    onSuccess: () => {
      cache.invalidateQueries({ queryKey: secretsQuery.queryKey });
      close();
    },
  });
  function close() {
    setOpen(null);
    setName("");
    setValue("");
    save.reset();
  }
  return (
    <>
      <List
        error={secrets.error}
        count={secrets.data?.items.length}
        action={mayEdit && <Button onClick={() => setOpen("")}>{t.settings.newSecret}</Button>}
      >
        <thead>
          <tr>
            <th>{t.settings.name}</th>
            <th>{t.settings.updated}</th>
            <th>
              <span className="visually-hidden">{t.more}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {secrets.data?.items.map((each) => (
            <tr key={each.name}>
              <td className="mono">{each.name}</td>
              <td>
                <Time at={each.updated_at} />
              </td>
              <td>
                {mayEdit && (
                  <Button small onClick={() => setOpen(each.name)}>
                    Replace
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </List>
      {open !== null && (
        <Sheet
          title={open || t.settings.newSecret}
          onClose={close}
          foot={
            <Button
              look="primary"
              disabled={!value || (!open && !name) || save.isPending}
              onClick={() => save.mutate()}
            >
              {t.save}
            </Button>
          }
        >
          {save.isError && <ProblemLine text={sentenceOf(save.error)} />}
          {!open && <Field id="secret-name" label={t.settings.name} value={name} onChange={setName} />}
          <Field
            id="secret-value"
            label={t.settings.value}
            value={value}
            type="password"
            onChange={setValue}
          />
          <p className="caption">{t.settings.valueOnce}</p>
        </Sheet>
      )}
    </>
  );
}

const ROLES: Role[] = ["viewer", "operator", "editor", "admin"];

function Keys() {
  const cache = useQueryClient();
  const keys = useQuery(keysQuery);
  const [making, setMaking] = useState(false);
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const make = useMutation({
    mutationFn: () => post<ApiKey & { key: string }>("/v1/api-keys", { name, role }),
    onSuccess: () => cache.invalidateQueries({ queryKey: keysQuery.queryKey }),
  });
  const revoke = useMutation({
    mutationFn: (id: string) => call("DELETE", `/v1/api-keys/${id}`),
    onSuccess: () => cache.invalidateQueries({ queryKey: keysQuery.queryKey }),
    onError: (error) => toast(sentenceOf(error)),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (name) make.mutate();
  }
  return (
    <>
      <List
        error={keys.error}
        count={keys.data?.items.length}
        action={<Button onClick={() => setMaking(true)}>{t.settings.newKey}</Button>}
      >
        <thead>
          <tr>
            <th>{t.settings.name}</th>
            <th>{t.settings.role}</th>
            <th>{t.settings.lastUsed}</th>
            <th>
              <span className="visually-hidden">{t.more}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.data?.items.map((each) => (
            <tr key={each.id}>
              <td>{each.name}</td>
              <td>{each.role}</td>
              <td>
                <Time at={each.last_used_at} />
              </td>
              <td>
                {each.revoked_at ? (
                  <span className="muted">{t.settings.revoked}</span>
                ) : (
                  <Button small look="danger" onClick={() => revoke.mutate(each.id)}>
                    {t.settings.revoke}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </List>
      {making && (
        <Sheet
          title={t.settings.newKey}
          onClose={() => {
            setMaking(false);
            setName("");
            make.reset();
          }}
        >
          {make.data ? (
            <>
              <p>{t.settings.keyOnce}</p>
              <input
                className="input mono"
                readOnly
                aria-label={t.signin.key}
                value={make.data.key}
                onFocus={(event) => event.target.select()}
              />
            </>
          ) : (
            <form className="stack" onSubmit={submit}>
              {make.isError && <ProblemLine text={sentenceOf(make.error)} />}
              <Field id="key-name" label={t.settings.name} value={name} onChange={setName} />
              <Segments
                label={t.settings.role}
                value={role}
                choices={ROLES.map((each) => ({ value: each, label: each }))}
                onChange={setRole}
              />
              <Button type="submit" look="primary" disabled={!name || make.isPending}>
                {t.settings.newKey}
              </Button>
            </form>
          )}
        </Sheet>
      )}
    </>
  );
}

function Audit() {
  const audit = useQuery(auditQuery);
  return (
    <List error={audit.error} count={audit.data?.items.length}>
      <thead>
        <tr>
          <th>{t.settings.when}</th>
          <th>{t.settings.who}</th>
          <th>{t.settings.what}</th>
          <th>{t.settings.on}</th>
        </tr>
      </thead>
      <tbody>
        {audit.data?.items.map((each, index) => (
          <tr key={index}>
            <td>
              <Time at={each.at} form="day" />
            </td>
            <td>{each.actor.replace(/^key:/, "")}</td>
            <td>{each.action.replaceAll("-", " ").replace(".", ": ")}</td>
            <td className="mono wrap-anywhere">{each.object_id}</td>
          </tr>
        ))}
      </tbody>
    </List>
  );
}

type Theme = "system" | "light" | "dark";

function Appearance() {
  const [theme, setTheme] = useState<Theme>(
    () => (document.documentElement.dataset.theme as Theme | undefined) ?? "system",
  );
  function choose(next: Theme) {
    setTheme(next);
    if (next === "system") {
      delete document.documentElement.dataset.theme;
      localStorage.removeItem("signalbox-theme");
    } else {
      document.documentElement.dataset.theme = next;
      localStorage.setItem("signalbox-theme", next);
    }
  }
  return (
    <div className="field">
      <span className="label">{t.theme.label}</span>
      <div>
        <Segments
          label={t.theme.label}
          value={theme}
          choices={[
            { value: "system", label: t.theme.system },
            { value: "light", label: t.theme.light },
            { value: "dark", label: t.theme.dark },
          ]}
          onChange={choose}
        />
      </div>
    </div>
  );
}
