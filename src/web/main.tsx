import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRootRoute, createRoute, createRouter, RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { MillraceError } from '../core/error.ts';
import { AnswerPage } from './answer.tsx';
import { DeploymentPage } from './deployment.tsx';
import { Deployments } from './deployments.tsx';
import { ExecutionPage } from './execution.tsx';
import { Executions, listedIn } from './executions.tsx';
import { Root } from './root.tsx';
import { session } from './session.ts';
import './styles.css';

const root = createRootRoute({ notFoundComponent: () => <main>There is no such page.</main> });
/** What is behind the sign-in. */
const inside = createRoute({ getParentRoute: () => root, id: 'inside', component: Root });
/** Whoever comes by the link of a mail need not sign in. */
const answer = createRoute({ getParentRoute: () => root, path: '/answer/$token', component: AnswerPage });
const list = createRoute({ getParentRoute: () => inside, path: '/', component: Executions, validateSearch: listedIn });
const one = createRoute({
  getParentRoute: () => inside,
  path: '/executions/$id',
  component: ExecutionPage,
  validateSearch: (search): { task?: string } =>
    typeof search.task === 'string' && search.task ? { task: search.task } : {},
});
const deployments = createRoute({ getParentRoute: () => inside, path: '/deployments', component: Deployments });
const deployment = createRoute({ getParentRoute: () => inside, path: '/deployments/$id', component: DeploymentPage });
const router = createRouter({
  routeTree: root.addChildren([inside.addChildren([list, one, deployments, deployment]), answer]),
});

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
