import { infrastructure } from '../../api/infrastructure.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { contentSource, integration } from '../../engine/repositories.ts';
import type { Document } from '../../store/store.ts';
import type { HandlerParts } from '../handlers.ts';
import { infrastructureView } from '../kinds/infrastructure.ts';
import { type Handler, listOf, type Request } from '../request.ts';
import { finders } from './find.ts';
import { trackers } from './trackers.ts';

const path = (id: string): string => `/iaas/api/integrations/${id}`;
const show = (document: Document): JsonObject => infrastructureView('integrations', document, []);

/** Accounts at services that are no clouds: those of repositories serve content sources. Never a key is shown. */
export function cloudIntegrationHandlers(given: HandlerParts): Record<string, Handler> {
  const { store, moment, seal } = given.parts;
  const { byId, save } = finders(store);
  const { finished } = trackers(given);

  return {
    'integrations.list': async ({ query }) => listOf((await store.list(integration)).map(show), query),
    'integrations.get': async ({ params }) => show(await byId(integration, params.id!)),
    'integrations.create': async (request) => {
      const { id } = await write(undefined, request);
      return finished('Provisioning', [path(id)]);
    },
    'integrations.change': async (request) => {
      const { id } = await write(await byId(integration, request.params.id!), request);
      return finished('Update', [path(id)]);
    },
    'integrations.delete': async ({ params }) => {
      const { id, name } = await byId(integration, params.id!);
      const source = (await store.list(contentSource)).find(
        ({ body }) => isObject(body.config) && [id, name].includes(String(body.config.integrationId)),
      );
      if (source)
        throw new MillraceError('definition.used', {
          message: `Integration ${name} is used by the content source ${source.name}.`,
          hint: 'Delete that first.',
        });
      await store.remove(integration, id);
      return finished('Delete', [path(id)]);
    },
  };

  async function write(before: Document | undefined, { body, user }: Request): Promise<Document> {
    const { privateKey, ...sent } = body;
    const { privateKey: sealed = '', ...kept } = before?.body ?? {};
    const checked = infrastructure.integrations.input.parse({ ...kept, ...sent }) as JsonObject;
    const at = moment.now();
    const document: Document = {
      ...{ kind: integration, id: before?.id ?? moment.newId(), project: '', name: String(checked.name) },
      ...{ createdAt: before?.createdAt ?? at, updatedAt: at },
      body: {
        ...{ createdBy: user!.name, ...checked },
        privateKey: privateKey ? seal.close(String(privateKey)) : sealed,
      },
    };
    await save(document);
    return document;
  }
}
