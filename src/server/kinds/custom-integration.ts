import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { parseYaml } from '../../lang/yaml.ts';
import { common, type Kind } from './kind.ts';

/** Its body is the working copy, the draft; the versions beside it are frozen copies of that. */
export function customIntegrationKind(): Kind {
  return {
    kind: 'custom-integration',
    path: 'custom-integrations',
    accept(body, before) {
      const written = [body.yaml, body.content].find((one) => typeof one === 'string') ?? '';
      const value = parseYaml(String(written)).documents[0]?.value;
      if (!isObject(value) || !value.code)
        throw new MillraceError('definition.invalid', {
          message: `Custom integration ${String(body.name)} has no \`code\`.`,
          hint: 'Its YAML needs `runtime`, `code`, `inputProperties` and `outputProperties`.',
        });
      const outputs = Array.isArray(value.outputProperties)
        ? value.outputProperties.filter(isObject).map(({ name }) => String(name))
        : [];
      const draft: JsonObject = {
        yaml: written,
        runtime: String(value.runtime ?? 'nodejs'),
        code: String(value.code),
        outputs,
        version: 'draft',
      };
      const kept = Array.isArray(before?.body.versions) ? before.body.versions.filter(isObject) : [];
      const version = String(body.version ?? 'draft');
      // A file of a version brings that beside those that are there.
      const versions =
        version === 'draft'
          ? kept
          : [...kept.filter((one) => one.version !== version), { ...draft, version, status: 'RELEASED' }];
      return { ...draft, description: String(body.description ?? ''), versions };
    },
    show: (document) => ({
      ...common(document, 'custom-integrations'),
      yaml: document.body.yaml!,
      version: 'draft',
      status: 'NONE',
      changeLog: '',
      parentId: '',
      sourceVersion: document.body.sourceVersion ?? '',
    }),
  };
}
