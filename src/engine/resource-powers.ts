import { MillraceError } from '../core/error.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { FunctionReport, ResourcePowers } from '../sdk/cloud.ts';
import type { Document } from '../store/store.ts';
import { readEndpoint, readVariables } from './definitions.ts';
import type { FunctionRun } from './function-run.ts';
import type { EngineParts } from './parts.ts';
import { repositoryNamed } from './repositories.ts';

/** Runs of functions, as resources ask for them. */
export interface FunctionRuns {
  /** Starts one; the same key twice is one run. */
  request(
    actionId: string,
    inputs: JsonObject,
    by: string,
    key: string,
    /** The project whose secrets its inputs may speak of. */
    opensSecretsOf: string,
  ): Promise<FunctionRun>;
  /** Of one that has ended it changes nothing. */
  cancel(id: string): Promise<FunctionRun | undefined>;
}

/** What the resources of one project are made with, in the name of whoever asked for them. */
export function resourcePowers(
  parts: EngineParts,
  functions: FunctionRuns,
  project: string,
  by: string,
): ResourcePowers {
  const { store, jobs, ssh, seal } = parts;
  return {
    jobs,
    ssh,

    async endpoint(name, type) {
      const repository = type === 'git' ? await repositoryNamed(parts, project, name) : undefined;
      if (repository) return repository;
      const { values } = await readVariables(parts, project);
      const { endpoint } = await readEndpoint(parts, project, name, values);
      if (endpoint.type === type) return endpoint;
      throw new MillraceError('request.invalid', {
        message: `Endpoint ${name} is of the type ${endpoint.type}, and ${type} is needed.`,
      });
    },

    async startFunction(key, action, inputs) {
      const { id } = await actionOf(action);
      return (await functions.request(id, inputs, by, key, project)).id;
    },

    async functionReport(run): Promise<FunctionReport> {
      const state = (await store.load('function-run', run))?.state as unknown as FunctionRun | undefined;
      if (!state) return { isOver: true, name: run, outputs: null, failed: 'its run is gone.' };
      const { actionName: name, outputs, runState, errorMessage } = state;
      if (runState === 'CREATED' || runState === 'RUNNING') return { isOver: false, name, outputs: null };
      return runState === 'COMPLETED'
        ? { isOver: true, name, outputs }
        : { isOver: true, name, outputs, failed: errorMessage || 'it was cancelled.' };
    },

    async cancelFunction(run) {
      await functions.cancel(run);
    },

    async customType(type) {
      const document = (await store.list('custom-type')).find(({ name }) => name === type);
      if (!document) return undefined;
      const { mainActions } = document.body;
      return Object.fromEntries(
        Object.entries(isObject(mainActions) ? mainActions : {}).flatMap(([what, action]) =>
          isObject(action) ? [[what, String(action.id)]] : [],
        ),
      );
    },

    seal: (secret) => seal.close(secret),
    open: (sealed) => seal.open(sealed),
  };

  async function actionOf(wanted: string): Promise<Document> {
    const found = (await store.get('action', wanted)) ?? (await store.find('action', project, wanted));
    if (found) return found;
    throw new MillraceError('not.found', {
      message: `There is no function ${wanted} in project ${project}.`,
      hint: 'See GET /abx/api/resources/actions.',
    });
  }
}
