import "@fontsource-variable/inter/index.css";
import "../styles/tokens.css";
import "../styles/base.css";
import "../ui/ui.css";
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiProblem } from "../api/client";
import { connection } from "./connection";
import { makeRouter } from "./router";

const TRIES_WHILE_AWAY = 60;

const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => connection.told(error),
    onSuccess: () => connection.answered(),
  }),
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      retry: (failures, error) => error instanceof ApiProblem && error.isAway && failures < TRIES_WHILE_AWAY,
      retryDelay: 5_000,
    },
    mutations: { onError: (error) => connection.told(error) },
  },
});

const router = makeRouter(queries);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
