import type { JsonObject } from '../core/json.ts';
import type { Integrations } from '../sdk/powers.ts';
import type { EngineParts } from './parts.ts';

/** The custom integrations that are kept, as tasks ask for them. */
export function integrationsOf({ store }: EngineParts): Integrations {
  return {
    async find(name, version) {
      const document = (await store.list('custom-integration')).find((candidate) => candidate.name === name);
      if (!document) return undefined;
      const versions = (document.body.versions as JsonObject[] | undefined) ?? [];
      const usable = versions.filter(({ status }) => status === 'RELEASED' || status === 'DEPRECATED');
      // Where a task names no version, the one that was called the latest, else the draft.
      const wanted = version || String(document.body.latest ?? '') || 'draft';
      const body = wanted === 'draft' ? document.body : usable.find((candidate) => candidate.version === wanted);
      if (!body) return undefined;
      return {
        runtime: String(body.runtime),
        code: String(body.code),
        outputs: (body.outputs as string[] | undefined) ?? [],
      };
    },
  };
}
