import "./health.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { sentenceOf } from "../../../api/client";
import { statsQuery, stuckQuery } from "../../../api/queries";
import type { Stats } from "../../../api/types";
import { t } from "../../../i18n/en";
import { Failure, Skeleton } from "../../../ui/states";
import { Time, took } from "../../../ui/time";

const DAY_MS = 86_400_000;
const OUTCOMES = ["success", "failed", "skipped"] as const;

/** Whether everything keeps up, in words first. */
export function HealthPage() {
  const [from] = useState(() => new Date(Date.now() - DAY_MS).toISOString());
  const stats = useQuery(statsQuery(undefined, "1h", from));
  const stuck = useQuery(stuckQuery);
  useEffect(() => {
    document.title = `${t.health.title} · ${t.product}`;
  }, []);
  const behind = Object.values(stuck.data?.behind ?? {}).reduce((sum, count) => sum + count, 0);
  const past = Object.values(stuck.data?.counts ?? {}).reduce((sum, count) => sum + count, 0);
  const words = [
    ...(past ? [t.health.stuck(past)] : []),
    ...(behind > 100 ? [t.health.behind(behind)] : []),
    ...(past || behind > 100 ? [] : [t.health.fine]),
  ];
  return (
    <>
      <header className="page-head">
        <h1>{t.health.title}</h1>
      </header>
      <div className="page-body stack" style={{ gap: 20 }}>
        {stuck.isError && (
          <Failure sentence={sentenceOf(stuck.error)} again={t.tryAgain} onAgain={() => stuck.refetch()} />
        )}
        {stuck.data && <p className={past ? "notice" : "notice accent"}>{words.join(" ")}</p>}
        <div className="charts">
          <section className="card chart">
            <h2>{t.health.runsChart}</h2>
            {stats.data ? (
              <RunsChart stats={stats.data} from={from} />
            ) : (
              <Skeleton label={t.loading} rows={2} />
            )}
          </section>
          <section className="card chart">
            <h2>{t.health.latency}</h2>
            {stats.data ? <Latency stats={stats.data} /> : <Skeleton label={t.loading} rows={2} />}
          </section>
        </div>
        <section className="card">
          <h2 className="chart-title">{t.health.services}</h2>
          <div className="scroll-x">
            <table className="plain-table figures">
              <tbody>
                {Object.entries(stuck.data?.behind ?? {}).map(([service, count]) => (
                  <tr key={service}>
                    <td>{service}</td>
                    <td style={{ textAlign: "end" }}>{count.toLocaleString("en")}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
        <section className="card">
          <h2 className="chart-title">{t.health.stuckTitle}</h2>
          {stuck.data?.items.length === 0 && <p className="muted chart-title">{t.health.none}</p>}
          <div className="scroll-x">
            <table className="plain-table">
              <tbody>
                {stuck.data?.items.map((each) => (
                  <tr key={each.id}>
                    <td>
                      <Link to="/runs/$id" params={{ id: each.id }}>
                        {each.workflow_name}
                      </Link>
                    </td>
                    <td>{t.health.cause[each.cause] ?? each.cause}</td>
                    <td>{each.about}</td>
                    <td>
                      <Time at={each.since} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      </div>
    </>
  );
}

const HOURS = 24;
const HOUR_MS = 3_600_000;

function RunsChart({ stats, from }: { stats: Stats; from: string }) {
  const start = Math.floor(Date.parse(from) / HOUR_MS) * HOUR_MS;
  const points = Array.from({ length: HOURS + 1 }, (_, hour) => {
    const at = start + hour * HOUR_MS;
    return { at, point: stats.items.find((each) => Date.parse(each.at) === at) };
  });
  const sum = (point: Stats["items"][number] | undefined) =>
    OUTCOMES.reduce((total, outcome) => total + (point?.runs_by_status[outcome] ?? 0), 0);
  const most = Math.max(1, ...points.map((each) => sum(each.point)));
  return (
    <figure>
      <svg viewBox="0 0 500 140" className="chart-svg" role="img" aria-label={t.health.runsChart}>
        {points.map(({ at, point }, index) => {
          let below = 0;
          return (
            <g key={at}>
              {OUTCOMES.map((outcome) => {
                const height = ((point?.runs_by_status[outcome] ?? 0) / most) * 120;
                below += height;
                return (
                  <rect
                    key={outcome}
                    className={`fill-${outcome}`}
                    x={index * 20 + 2}
                    y={130 - below}
                    width={15}
                    height={height}
                    rx={2}
                  />
                );
              })}
            </g>
          );
        })}
        <line x1={0} x2={500} y1={131} y2={131} className="axis" />
      </svg>
      <figcaption className="row small">
        {OUTCOMES.map((outcome) => (
          <span key={outcome} className="row" style={{ gap: 5 }}>
            <span className={`key key-${outcome}`} />
            {outcome}{" "}
            <span className="figures muted">
              {points
                .reduce((total, each) => total + (each.point?.runs_by_status[outcome] ?? 0), 0)
                .toLocaleString("en")}
            </span>
          </span>
        ))}
      </figcaption>
      <table className="visually-hidden">
        <caption>{t.health.runsChart}</caption>
        <tbody>
          {stats.items.map((each) => (
            <tr key={each.at}>
              <td>
                <Time at={each.at} form="day" />
              </td>
              {OUTCOMES.map((outcome) => (
                <td key={outcome}>
                  {outcome}: {each.runs_by_status[outcome]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function Latency({ stats }: { stats: Stats }) {
  const newest = stats.items.filter((each) => each.p50_ms !== null).slice(-8);
  if (newest.length === 0) return <p className="muted">{t.health.none}</p>;
  return (
    <table className="plain-table figures">
      <thead>
        <tr>
          <th>{t.settings.when}</th>
          <th>p50</th>
          <th>p99</th>
        </tr>
      </thead>
      <tbody>
        {newest.map((each) => (
          <tr key={each.at}>
            <td>
              <Time at={each.at} form="day" />
            </td>
            <td>{took(each.p50_ms ?? 0)}</td>
            <td>{took(each.p99_ms ?? 0)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
