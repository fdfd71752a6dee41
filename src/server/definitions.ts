import { stringify } from 'yaml';
import { checkBlueprint } from '../blueprint/parse.ts';
import { type Diagnostic, isError } from '../core/diagnostic.ts';
import { MillraceError } from '../core/error.ts';
import { toIso, toMicros } from '../core/instant.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { maskedValue } from '../core/secret.ts';
import { parseYaml } from '../lang/yaml.ts';
import { checkPipeline } from '../pipeline/validate.ts';
import type { Catalogue } from '../sdk/catalogue.ts';
import { taskRules } from '../sdk/rules.ts';
import { isSealed, type Seal } from '../store/seal.ts';
import type { Document } from '../store/store.ts';

/** The names of secrets in endpoints; the catalogue's owner gives them. */
export interface KindParts {
  catalogue: Catalogue;
  seal: Seal;
  secretProperties: string[];
  externalUrl(): string;
}

/** How one kind of definition comes in by the API, is kept, and is shown. */
export interface Kind {
  kind: string;
  /** The word in addresses. */
  path: string;
  /** What is kept of what was sent; `before` for a change. @throws MillraceError where it cannot be taken. */
  accept(body: JsonObject, before: JsonObject | undefined): JsonObject;
  /** What is shown; never a secret. */
  show(document: Document): JsonObject;
}

export function kinds(
  parts: KindParts,
): Record<'pipeline' | 'endpoint' | 'variable' | 'git-webhook' | 'custom-integration', Kind> {
  const { catalogue, seal, secretProperties } = parts;
  const sealed = (value: Json | undefined, before: Json | undefined): Json => {
    if (value === maskedValue && before !== undefined) return before;
    return isSealed(value) ? (value as string) : seal.close(String(value ?? ''));
  };

  return {
    pipeline: {
      kind: 'pipeline',
      path: 'pipelines',
      accept(body, before) {
        const content =
          typeof body.content === 'string'
            ? body.content
            : stringify({ ...withoutServerFields(body), kind: 'PIPELINE' });
        const { pipeline, diagnostics } = checkPipeline(content, taskRules(catalogue));
        refuseErrors('pipeline', String(body.name ?? ''), diagnostics);
        return {
          content,
          enabled: before
            ? body.enabled !== false && body.enabled !== 'false' && body.state !== 'DISABLED'
            : body.enabled === true,
          description: pipeline!.description,
          global: pipeline!.global,
        };
      },
      show(document) {
        const { pipeline } = checkPipeline(String(document.body.content), taskRules(catalogue));
        const enabled = document.body.enabled !== false;
        const written = parseYaml(String(document.body.content)).documents[0]?.value;
        return {
          ...(isObject(written) ? written : {}),
          ...common(document, 'pipelines'),
          ...(Array.isArray(document.body.tags) ? { tags: document.body.tags } : {}),
          concurrency: pipeline?.concurrency ?? 10,
          enabled,
          state: enabled ? 'ENABLED' : 'DISABLED',
          _warnings: [],
        };
      },
    },
    endpoint: {
      kind: 'endpoint',
      path: 'endpoints',
      accept(body, before) {
        const type = String(body.type ?? '')
          .split(':')
          .at(-1)!;
        if (!catalogue.endpoints.some((definition) => definition.type === type)) {
          throw new MillraceError('definition.invalid', {
            message: `Endpoint ${String(body.name)} has the unknown type ${type}.`,
            hint: `Known types: ${catalogue.endpoints.map((definition) => definition.type).join(', ')}.`,
          });
        }
        const old = isObject(before?.properties) ? before.properties : {};
        const properties = Object.entries(isObject(body.properties) ? body.properties : {}).map(([key, value]) => {
          const isBinding = typeof value === 'string' && value.includes('${');
          return [key, secretProperties.includes(key) && !isBinding && value !== '' ? sealed(value, old[key]) : value];
        });
        return {
          type,
          description: String(body.description ?? ''),
          isRestricted: body.isRestricted === true || body.isRestricted === 'true',
          properties: Object.fromEntries(properties) as JsonObject,
        };
      },
      show(document) {
        const properties = Object.entries(isObject(document.body.properties) ? document.body.properties : {}).map(
          ([key, value]) => [key, isSealed(value) ? maskedValue : value],
        );
        return {
          ...common(document, 'endpoints'),
          ...document.body,
          properties: Object.fromEntries(properties) as JsonObject,
        };
      },
    },
    variable: {
      kind: 'variable',
      path: 'variables',
      accept(body, before) {
        const type = String(body.type ?? 'REGULAR').toUpperCase();
        if (!['REGULAR', 'SECRET', 'RESTRICTED'].includes(type)) {
          throw new MillraceError('definition.invalid', {
            message: `Variable ${String(body.name)} has the unknown type ${type}.`,
            hint: 'REGULAR, SECRET or RESTRICTED.',
          });
        }
        const value = type === 'REGULAR' ? String(body.value ?? '') : sealed(body.value, before?.value);
        return { type, value, description: String(body.description ?? '') };
      },
      show: (document) => ({
        ...common(document, 'variables'),
        ...document.body,
        value: document.body.type === 'REGULAR' ? document.body.value! : maskedValue,
      }),
    },
    'git-webhook': {
      kind: 'git-webhook',
      path: 'git-webhooks',
      accept(body, before) {
        if (!body.pipeline)
          throw new MillraceError('definition.invalid', {
            message: `Webhook ${String(body.name)} names no pipeline.`,
            hint: 'Add `pipeline: NAME`.',
          });
        const secretToken = body.secretToken ? sealed(body.secretToken, before?.secretToken) : '';
        const trigger = catalogue.triggers.find(({ type }) => type === 'git')!;
        const parsed = trigger.config.safeParse(body);
        if (!parsed.success)
          throw new MillraceError('definition.invalid', {
            message: `Webhook ${String(body.name)}: \`${parsed.error.issues[0]?.path.join('.')}\`: ${parsed.error.issues[0]?.message}.`,
          });
        const { content: _, ...rest } = withoutServerFields(body);
        return { ...rest, secretToken, enabled: body.enabled !== false };
      },
      show: (document) => ({
        ...common(document, 'git-webhooks'),
        ...document.body,
        secretToken: document.body.secretToken ? maskedValue : '',
        externalListenerLink: `${parts.externalUrl()}/codestream/api/git-webhook-listeners/${document.id}`,
      }),
    },
    'custom-integration': {
      kind: 'custom-integration',
      path: 'custom-integrations',
      accept(body, before) {
        const written =
          typeof body.yaml === 'string' ? body.yaml : typeof body.content === 'string' ? body.content : '';
        const value = parseYaml(written).documents[0]?.value;
        if (!isObject(value) || !value.code)
          throw new MillraceError('definition.invalid', {
            message: `Custom integration ${String(body.name)} has no \`code\`.`,
            hint: 'Its YAML needs `runtime`, `code`, `inputProperties` and `outputProperties`.',
          });
        const outputs = Array.isArray(value.outputProperties)
          ? value.outputProperties.filter(isObject).map(({ name }) => String(name))
          : [];
        const body1: JsonObject = {
          yaml: written,
          runtime: String(value.runtime ?? 'nodejs'),
          code: String(value.code),
          outputs,
          version: 'draft',
        };
        return {
          ...body1,
          description: String(body.description ?? ''),
          versions:
            before?.versions ??
            (body.version && body.version !== 'draft'
              ? [{ ...body1, version: String(body.version), status: 'RELEASED' }]
              : []),
        };
      },
      show: (document) => ({
        ...common(document, 'custom-integrations'),
        yaml: document.body.yaml!,
        version: 'draft',
        status: 'NONE',
        description: document.body.description ?? '',
      }),
    },
  };
}

/** The fields that every object of the original has. */
export function common({ id, name, project, createdAt, updatedAt, body }: Document, path: string): JsonObject {
  return {
    id,
    name,
    project,
    description: String(body.description ?? ''),
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
    createdBy: String(body.createdBy ?? ''),
    updatedBy: String(body.updatedBy ?? ''),
    _projectId: project,
    _createTimeInMicros: toMicros(createdAt),
    _updateTimeInMicros: toMicros(updatedAt),
    _link: `/codestream/api/${path}/${id}`,
  };
}

/** A blueprint's text is kept even when it has errors, but not deployed; its versions stay what they are. */
export function acceptBlueprint(
  body: JsonObject,
  before?: JsonObject,
): { body: JsonObject; diagnostics: Diagnostic[] } {
  const content = String(body.content ?? '');
  const { diagnostics } = checkBlueprint(content);
  return {
    body: {
      content,
      description: String(body.description ?? ''),
      requestScopeOrg: body.requestScopeOrg === true,
      valid: !diagnostics.some(isError),
      versions: before?.versions ?? [],
    },
    diagnostics,
  };
}

export function refuseErrors(what: string, name: string, diagnostics: Diagnostic[]): void {
  const errors = diagnostics.filter(isError);
  if (errors.length > 0)
    throw new MillraceError('definition.invalid', { message: faultsIn(what, name, errors), diagnostics: errors });
}

/** One sentence for a person who has the text at hand. */
export function faultsIn(what: string, name: string, errors: Diagnostic[]): string {
  const places = errors
    .map(({ line, column, message, hint }) => `${line}:${column}: ${message}${hint ? ` ${hint}` : ''}`)
    .join(' ');
  return `The ${what} ${name} has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}: ${places}`;
}

/** What clients feed back and we set ourselves. */
function withoutServerFields(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !serverFields.includes(key)));
}

const serverFields = [
  'id',
  '_link',
  '_createdBy',
  '_updatedBy',
  '_createTimeInMicros',
  '_updateTimeInMicros',
  '_projectId',
  'createdAt',
  'updatedAt',
];
