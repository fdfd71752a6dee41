import { toIso } from '../core/instant.ts';
import type { JsonObject } from '../core/json.ts';
import type { Engine } from '../engine/engine.ts';
import type { EngineParts } from '../engine/parts.ts';
import type { Auth } from './auth.ts';
import { agentHandlers } from './handlers/agents.ts';
import { answerHandlers } from './handlers/answers.ts';
import { approvalHandlers } from './handlers/approvals.ts';
import { blueprintRequestHandlers } from './handlers/blueprint-requests.ts';
import { blueprintVersionHandlers } from './handlers/blueprint-versions.ts';
import { blueprintHandlers } from './handlers/blueprints.ts';
import { catalogHandlers } from './handlers/catalog.ts';
import { cloudAccountHandlers } from './handlers/cloud-accounts.ts';
import { cloudIntegrationHandlers } from './handlers/cloud-integrations.ts';
import { contentSourceHandlers } from './handlers/content-sources.ts';
import { customHandlers } from './handlers/custom.ts';
import { definitionHandlers } from './handlers/definitions.ts';
import { deploymentListHandlers } from './handlers/deployment-lists.ts';
import { deploymentRequestHandlers } from './handlers/deployment-requests.ts';
import { deploymentHandlers } from './handlers/deployments.ts';
import { endpointHandlers } from './handlers/endpoints.ts';
import { executionHandlers } from './handlers/executions.ts';
import { fileHandlers } from './handlers/files.ts';
import { functionHandlers } from './handlers/functions.ts';
import { heldHandlers } from './handlers/held.ts';
import { infrastructureHandlers } from './handlers/infrastructure.ts';
import { integrationHandlers } from './handlers/integrations.ts';
import { liveHandlers } from './handlers/live.ts';
import { loginHandlers } from './handlers/login.ts';
import { machineHandlers } from './handlers/machines.ts';
import { pipelineHandlers } from './handlers/pipelines.ts';
import { projectHandlers } from './handlers/projects.ts';
import { propertyGroupHandlers } from './handlers/property-groups.ts';
import { resourceTypeHandlers } from './handlers/resource-types.ts';
import { scheduleHandlers } from './handlers/schedules.ts';
import { statisticsHandlers } from './handlers/statistics.ts';
import { streamHandlers } from './handlers/streams.ts';
import { tileHandlers } from './handlers/tiles.ts';
import { trackerHandlers } from './handlers/trackers.ts';
import { userHandlers } from './handlers/users.ts';
import { webhookHandlers } from './handlers/webhooks.ts';
import type { Kinds } from './kinds/kinds.ts';
import type { openMetrics } from './metrics.ts';
import { Answer, type Handler, pageOf } from './request.ts';
import type { Users } from './users.ts';

export interface HandlerParts {
  parts: EngineParts;
  engine: Engine;
  auth: Auth;
  users: Users;
  kinds: Kinds;
  openApi: () => JsonObject;
  metrics: Pick<ReturnType<typeof openMetrics>, 'text' | 'contentType'>;
}

/** The versions that clients ask for; later ones are taken as well. */
const versions = {
  iaas: '2021-07-15',
  blueprint: '2019-09-12',
  catalog: '2020-08-25',
  deployment: '2020-08-25',
  'project-service': '2019-01-15',
  content: '2019-01-15',
  'form-service': '2020-08-25',
  policy: '2020-08-25',
};

const aboutHandlers = (): Record<string, Handler> =>
  Object.fromEntries(
    Object.entries(versions).map(([service, latestApiVersion]) => [
      `about.${service}`,
      async () => ({
        latestApiVersion,
        supportedApis: [
          { apiVersion: latestApiVersion, documentationLink: '/api/openapi.json', deprecationPolicy: null },
        ],
      }),
    ]),
  );

/** One handler for each operation, by its id. */
export function handlers(given: HandlerParts): Record<string, Handler> {
  const { parts, kinds: known, openApi, metrics } = given;
  const { store } = parts;

  return {
    ...loginHandlers(given),
    ...Object.fromEntries(Object.values(known).flatMap((kind) => Object.entries(definitionHandlers(given, kind)))),
    ...executionHandlers(given),
    ...approvalHandlers(given),
    ...answerHandlers(given),
    ...blueprintHandlers(given),
    ...blueprintVersionHandlers(given),
    ...propertyGroupHandlers(given),
    ...functionHandlers(given),
    ...integrationHandlers(given),
    ...liveHandlers(given),
    ...userHandlers(given),
    ...pipelineHandlers(given),
    ...agentHandlers(given),
    ...webhookHandlers(given),
    ...streamHandlers(given),
    ...projectHandlers(given),
    ...scheduleHandlers(given),
    ...statisticsHandlers(given),
    ...endpointHandlers(given),
    ...tileHandlers(given),
    ...fileHandlers(given),
    ...infrastructureHandlers(given),
    ...cloudAccountHandlers(given),
    ...cloudIntegrationHandlers(given),
    ...trackerHandlers(given),
    ...blueprintRequestHandlers(given),
    ...deploymentHandlers(given),
    ...deploymentListHandlers(given),
    ...deploymentRequestHandlers(given),
    ...catalogHandlers(given),
    ...contentSourceHandlers(given),
    ...customHandlers(given),
    ...heldHandlers(given),
    ...machineHandlers(given),
    ...resourceTypeHandlers(given),
    ...aboutHandlers(),
    'about.codestream': async () => ({
      latestApiVersion: '2019-10-17',
      supportedApis: [{ apiVersion: '2019-10-17', documentationLink: '/api/openapi.json', deprecationPolicy: null }],
    }),
    'nodes.list': async ({ query }) =>
      pageOf(
        (await store.nodes()).map(({ name, host, since }) => ({ id: name, name, host, since: toIso(since) })),
        query,
      ),
    'metrics.get': async () => new Answer(200, await metrics.text(), { 'content-type': metrics.contentType }),
    'openapi.get': async () => openApi(),
  };
}
