import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRootRoute, createRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { MillraceError } from '../core/error.ts';
import { ExecutionPage } from './execution.tsx';
import { Executions, listedIn } from './executions.tsx';
import { Root } from './root.tsx';
import { session } from './session.ts';
import './styles.css';

const root = createRootRoute({ component: Root, notFoundComponent: () => <main>There is no such page.</main> });
const list = createRoute({ getParentRoute: () => root, path: '/', component: Executions, validateSearch: listedIn });
const one = createRoute({
  getParentRoute: () => root,
  path: '/executions/$id',
  component: ExecutionPage,
  validateSearch: (search): { task?: string } =>
    typeof search.task === 'string' && search.task ? { task: search.task } : {},
});
const router = createRouter({ routeTree: root.addChildren([list, one]) });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: session.heard }),
  defaultOptions: {
    queries: {
      // What the server refuses it refuses again.
      retry: (_, thrown) => !(thrown instanceof MillraceError && thrown.status < 500),
      retryDelay: 500,
    },
  },
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
