import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { sessionQuery } from "../api/queries";
import { type RunsSearch, runsSearch } from "../features/runs/model/search";
import { type GridSearch, gridSearch } from "../features/workflows";
import { Broken, NotFound } from "./errors";
import { Shell } from "./shell";
import { SignIn } from "./signin";

interface Context {
  queries: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ errorComponent: Broken, notFoundComponent: NotFound });

const signin = createRoute({
  getParentRoute: () => root,
  path: "/signin",
  validateSearch: (search: Record<string, unknown>): { token?: string; to?: string } => ({
    ...(typeof search.token === "string" ? { token: search.token } : {}),
    ...(typeof search.to === "string" ? { to: search.to } : {}),
  }),
  component: SignIn,
});

const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.ensureQueryData(sessionQuery);
    } catch {
      throw redirect({ to: "/signin", search: { to: location.href } });
    }
  },
  component: Shell,
  errorComponent: Broken,
  notFoundComponent: NotFound,
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/workflows" });
  },
});

const workflows = createRoute({
  getParentRoute: () => shell,
  path: "/workflows",
  validateSearch: (search: Record<string, unknown>): GridSearch => gridSearch(search),
  component: lazyRouteComponent(() => import("../features/workflows/ui/grid-page"), "GridPage"),
});

const create = createRoute({
  getParentRoute: () => shell,
  path: "/workflows/new",
  component: lazyRouteComponent(() => import("../features/workflows/ui/create-page"), "CreatePage"),
});

export interface BuilderSearch {
  step?: string;
  test?: boolean;
}

const workflow = createRoute({
  getParentRoute: () => shell,
  path: "/workflows/$id",
  component: lazyRouteComponent(() => import("../features/builder/ui/workflow-layout"), "WorkflowLayout"),
});

const builder = createRoute({
  getParentRoute: () => workflow,
  path: "/",
  validateSearch: (search: Record<string, unknown>): BuilderSearch => ({
    ...(typeof search.step === "string" ? { step: search.step } : {}),
    ...(search.test === true ? { test: true } : {}),
  }),
  component: lazyRouteComponent(() => import("../features/builder/ui/builder-page"), "BuilderPage"),
});

const workflowRuns = createRoute({
  getParentRoute: () => workflow,
  path: "/runs",
  validateSearch: (search: Record<string, unknown>): RunsSearch => runsSearch(search),
  component: lazyRouteComponent(() => import("../features/runs/ui/runs-page"), "WorkflowRunsPage"),
});

const versions = createRoute({
  getParentRoute: () => workflow,
  path: "/versions",
  component: lazyRouteComponent(() => import("../features/builder/ui/versions-page"), "VersionsPage"),
});

export interface CompareSearch {
  a?: number;
  b?: number;
}

const compare = createRoute({
  getParentRoute: () => workflow,
  path: "/compare",
  validateSearch: (search: Record<string, unknown>): CompareSearch => ({
    ...(typeof search.a === "number" ? { a: search.a } : {}),
    ...(typeof search.b === "number" ? { b: search.b } : {}),
  }),
  component: lazyRouteComponent(() => import("../features/builder/ui/compare-page"), "ComparePage"),
});

const backtests = createRoute({
  getParentRoute: () => workflow,
  path: "/backtests",
  component: lazyRouteComponent(() => import("../features/builder/ui/backtests-page"), "BacktestsPage"),
});

const runs = createRoute({
  getParentRoute: () => shell,
  path: "/runs",
  validateSearch: (search: Record<string, unknown>): RunsSearch => runsSearch(search),
  component: lazyRouteComponent(() => import("../features/runs/ui/runs-page"), "RunsPage"),
});

const run = createRoute({
  getParentRoute: () => shell,
  path: "/runs/$id",
  validateSearch: (search: Record<string, unknown>): { action?: string } =>
    typeof search.action === "string" ? { action: search.action } : {},
  component: lazyRouteComponent(() => import("../features/runs/ui/run-page"), "RunPage"),
});

const bulkRetry = createRoute({
  getParentRoute: () => shell,
  path: "/bulk-retries/$id",
  component: lazyRouteComponent(() => import("../features/runs/ui/bulk-retry-page"), "BulkRetryPage"),
});

const record = createRoute({
  getParentRoute: () => shell,
  path: "/records/$module/$id",
  component: lazyRouteComponent(() => import("../features/records/ui/record-page"), "RecordPage"),
});

const health = createRoute({
  getParentRoute: () => shell,
  path: "/health",
  component: lazyRouteComponent(() => import("../features/health/ui/health-page"), "HealthPage"),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings/$part",
  component: lazyRouteComponent(() => import("../features/settings/ui/settings-page"), "SettingsPage"),
});

const settingsHome = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  beforeLoad: () => {
    throw redirect({ to: "/settings/$part", params: { part: "templates" } });
  },
});

const tree = root.addChildren([
  signin,
  shell.addChildren([
    home,
    workflows,
    create,
    workflow.addChildren([builder, workflowRuns, versions, compare, backtests]),
    runs,
    run,
    bulkRetry,
    record,
    health,
    settings,
    settingsHome,
  ]),
]);

/** The pages; each is loaded when it is first opened. */
export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: "intent",
    scrollRestoration: true,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
