import { MillraceError } from '../../core/error.ts';
import { ensureHook } from '../../engine/hooks.ts';
import type { Document } from '../../store/store.ts';
import { exportEndpoints, exportIntegration, exportPipelines, importFile } from '../files.ts';
import type { HandlerParts } from '../handlers.ts';
import { Answer, type Handler } from '../request.ts';

const yaml = { 'content-type': 'application/x-yaml;charset=UTF-8' };

/** Definitions as files: taken, and given back. */
export function fileHandlers({ parts, kinds }: HandlerParts): Record<string, Handler> {
  const { store, moment } = parts;

  async function exportText(query: Record<string, string>): Promise<string> {
    const mine = ({ project }: Document) => !query.project || project === query.project;
    const pick = async (kind: string, names: string[]): Promise<Document[]> => {
      const found = (await store.list(kind)).filter(
        (document) => mine(document) && (names.length === 0 || names.includes(document.name)),
      );
      const missing = names.filter((name) => !found.some((document) => document.name === name));
      if (missing.length === 0) return found;
      throw new MillraceError('not.found', {
        message: `There is no ${kind} ${missing.join(', ')}${query.project ? ` in project ${query.project}` : ''}.`,
      });
    };
    if (query.customIntegration) {
      const found = (await store.list('custom-integration')).filter(({ name }) => name === query.customIntegration);
      if (found.length === 0)
        throw new MillraceError('not.found', { message: `There is no custom integration ${query.customIntegration}.` });
      return exportIntegration(found[0]!, query);
    }
    if (query.endpoints)
      return exportEndpoints(await pick('endpoint', namesIn(query.endpoints)), kinds.endpoint!.show)
        .map((text) => `---\n${text}`)
        .join('');
    const wanted = query.pipeline ? [query.pipeline] : namesIn(query.pipelines);
    return exportPipelines(store, await pick('pipeline', wanted), kinds.endpoint!.show);
  }

  /** A webhook has a hook at its far side. */
  async function kept(document: Document): Promise<string> {
    const trigger = parts.catalogue.triggers.find(({ words }) => words.kind === document.kind);
    if (!trigger) return '';
    const url = String(kinds[document.kind]!.show(document).externalListenerLink);
    return String((await ensureHook(parts, trigger, document, url)).body._hook ?? '');
  }

  return {
    'files.import': async ({ raw, query, user }) => {
      if (query.action !== undefined && query.action !== 'create' && query.action !== 'apply')
        throw new MillraceError('request.invalid', {
          message: `The action ${query.action} is unknown.`,
          hint: 'Known: create, which changes nothing that exists, and apply.',
        });
      const results = await importFile({ store, kinds, now: () => moment.now(), kept }, raw.toString('utf8'), {
        mode: query.action === 'apply' ? 'apply' : 'create',
        project: query.project ?? 'Default',
        by: user!.name,
        name: query.name,
      });
      const told = results.map(
        ({ kind, name, status, statusMessage }) =>
          `---\nkind: ${kind}\nname: ${JSON.stringify(name)}\nstatus: ${status}\nstatusMessage: ${JSON.stringify(statusMessage)}\n`,
      );
      return new Answer(200, told.join(''), yaml);
    },
    'files.export': async ({ query }) => new Answer(200, await exportText(query), yaml),
  };
}

const namesIn = (list = ''): string[] => list.split(',').filter(Boolean);
