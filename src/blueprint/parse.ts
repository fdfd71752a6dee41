import { type Diagnostic, type DiagnosticCode, emptyFile, nearest } from '../core/diagnostic.ts';
import { parseDuration } from '../core/duration.ts';
import { isObject, type Json, type JsonObject } from '../core/json.ts';
import { functionNames } from '../lang/functions.ts';
import { openReader, text } from '../lang/reader.ts';
import { type Path, parseYaml, type YamlDocument } from '../lang/yaml.ts';
import { cloudConfigFaults } from './cloud-config-schema.ts';
import { dependencies, findCycle, variableDependencies } from './graph.ts';
import { checkInputDefinition } from './input-definitions.ts';
import type { Blueprint, Resource } from './model.ts';
import { isKnownType, knownTypes } from './resource-types.ts';
import { expressionsIn, namesOf, type Reference, references } from './template.ts';

const resourceKeys = [
  ...['type', 'properties', 'dependsOn', 'metadata', 'allocatePerInstance', 'count', 'condition', 'createBeforeDelete'],
  ...[
    'createTimeout',
    'updateTimeout',
    'deleteTimeout',
    'dependsOnPreviousInstances',
    'forceRecreate',
    'ignoreChanges',
  ],
  ...['ignorePropertiesOnUpdate', 'preventDelete', 'recreatePropertiesOnUpdate', 'comment'],
];
/** Nobody has more machines in one deployment. */
const mostResources = 2000;
const roots = ['input', 'resource', 'env', 'variable', 'self', 'count', 'propgroup', 'secret'];

/** Reads and checks the text of one blueprint: everything that can be known before it is placed. */
export function checkBlueprint(text: string): {
  blueprint: Blueprint | undefined;
  diagnostics: Diagnostic[];
} {
  const { documents, diagnostics } = parseYaml(text);
  const document = documents[0];
  if (!document) {
    return { blueprint: undefined, diagnostics: diagnostics.length > 0 ? diagnostics : [emptyFile] };
  }
  const checked = checkBlueprintDocument(document);
  return { blueprint: checked.blueprint, diagnostics: [...diagnostics, ...checked.diagnostics] };
}

export function checkBlueprintDocument(document: YamlDocument): {
  blueprint: Blueprint | undefined;
  diagnostics: Diagnostic[];
} {
  const diagnostics: Diagnostic[] = [];
  const reader = openReader(document, diagnostics);
  const { map, report } = reader;
  const root = document.value;
  if (!isObject(root) || !isObject(root.resources)) {
    report(
      'error',
      'blueprint.no-resources',
      'A blueprint is a map with the key `resources`.',
      isObject(root) && root.resources !== undefined ? ['resources'] : [],
    );
    return { blueprint: undefined, diagnostics };
  }
  const count = Object.keys(root.resources).length;
  if (count > mostResources) {
    const message = `The blueprint has ${count} resources, and ${mostResources} are the most.`;
    report('error', 'blueprint.too-large', message, ['resources'], 'Use `count`, or divide it.');
    return { blueprint: undefined, diagnostics };
  }
  const blueprint: Blueprint = {
    name: text(root.name),
    version: text(root.version),
    inputs: Object.fromEntries(
      Object.entries(map(root.inputs, ['inputs'])).map(([name, body]) => [name, map(body, ['inputs', name])]),
    ),
    ...(isYes(root.populateRequiredOnNonDefaultProperties) ? { requiresInputs: true } : {}),
    variables: map(root.variables, ['variables']),
    resources: Object.fromEntries(
      Object.entries(root.resources).map(([name, body]) => [name, resource(name, map(body, ['resources', name]))]),
    ),
    outputs: map(root.outputs, ['outputs']),
  };
  for (const [name, definition] of Object.entries(blueprint.inputs))
    checkInputDefinition(reader, name, definition, ['inputs', name]);
  const names = namesOf(blueprint);
  for (const name of Object.keys(blueprint.resources)) {
    const body = (root.resources as JsonObject)[name];
    if (isObject(body)) checkExpressions(body.properties ?? null, ['resources', name, 'properties']);
    const { cloudConfig = null } = blueprint.resources[name]!.properties;
    for (const { message, hint, offset } of typeof cloudConfig === 'string' ? cloudConfigFaults(cloudConfig) : [])
      report(
        'warning',
        'cloud-config.schema',
        `The cloudConfig of ${name}: ${message}`,
        ['resources', name, 'properties', 'cloudConfig'],
        hint,
        offset,
      );
    for (const key of ['count', 'condition'])
      if (isObject(body)) checkExpressions(body[key] ?? null, ['resources', name, key]);
  }
  checkExpressions(blueprint.variables, ['variables']);
  checkExpressions(root.outputs ?? null, ['outputs']);
  const ring = findCycle(variableDependencies(blueprint));
  if (ring)
    report(
      'error',
      'blueprint.cycle',
      `The variables read each other: ${ring.join(' -> ')}.`,
      ['variables', ring[0]!],
      'Take out one of these references.',
      'key',
    );
  const cycle = findCycle(dependencies(blueprint));
  if (cycle) {
    report(
      'error',
      'blueprint.cycle',
      `The resources wait for each other: ${cycle.join(' -> ')}.`,
      ['resources', cycle[0]!],
      'Take out one of these references or `dependsOn`.',
      'key',
    );
  }
  return { blueprint, diagnostics };

  function resource(name: string, body: JsonObject): Resource {
    const path: Path = ['resources', name];
    for (const key of Object.keys(body)) {
      if (resourceKeys.includes(key)) continue;
      const close = nearest(key, resourceKeys);
      report(
        'warning',
        'key.unknown',
        `Resource ${name} has the unknown key \`${key}\`.`,
        [...path, key],
        close && `Did you mean \`${close}\`?`,
        'key',
      );
    }
    const type = text(body.type);
    if (!type)
      report(
        'error',
        'resource.no-type',
        `Resource ${name} has no \`type\`.`,
        path,
        'Add for example `type: Cloud.Machine`.',
        'key',
      );
    else if (!isKnownType(type)) {
      const close = nearest(type, knownTypes);
      report(
        'error',
        'resource.unknown-type',
        `Resource ${name} has the unknown type ${type}.`,
        [...path, 'type'],
        close && `Did you mean ${close}?`,
      );
    }
    const dependsOn = Array.isArray(body.dependsOn) ? body.dependsOn.map(text) : [];
    for (const [index, other] of dependsOn.entries()) {
      if (!Object.hasOwn((root as JsonObject).resources as JsonObject, other)) {
        const close = nearest(other, Object.keys((root as JsonObject).resources as JsonObject));
        report(
          'error',
          'resource.unknown',
          `\`dependsOn\` of ${name} names ${other}, which is no resource.`,
          [...path, 'dependsOn', index],
          close && `Did you mean ${close}?`,
        );
      }
    }
    const properties = map(body.properties, [...path, 'properties']);
    return {
      name,
      type,
      properties,
      dependsOn,
      count: properties.count ?? body.count ?? 1,
      preventDelete: isYes(body.preventDelete),
      ...(body.condition === undefined ? {} : { condition: body.condition }),
      ...(isYes(body.ignoreChanges) ? { ignoreChanges: true } : {}),
      ...(isYes(body.forceRecreate) ? { forceRecreate: true } : {}),
      ...(isYes(body.allocatePerInstance) ? { allocatePerInstance: true } : {}),
      ...(isYes(body.createBeforeDelete) ? { createBeforeDelete: true } : {}),
      ...timeoutsOf(body, path),
      ...(isYes(body.dependsOnPreviousInstances) ? { oneByOne: true } : {}),
      ...listed('ignoredProperties', body.ignorePropertiesOnUpdate),
      ...listed('recreatingProperties', body.recreatePropertiesOnUpdate),
    };
  }

  function timeoutsOf(body: JsonObject, path: Path): Pick<Resource, 'timeouts'> {
    const found = (['create', 'update', 'delete'] as const).flatMap((step) => {
      const written = body[`${step}Timeout`];
      if (written === undefined) return [];
      const duration = typeof written === 'number' || typeof written === 'string' ? parseDuration(written) : undefined;
      if (duration !== undefined) return [[step, duration] as const];
      const message = `\`${step}Timeout: ${text(written)}\` is no length of time.`;
      report('error', 'resource.timeout', message, [...path, `${step}Timeout`], 'Write for example 45m or 2h.');
      return [];
    });
    return found.length > 0 ? { timeouts: Object.fromEntries(found) } : {};
  }

  function checkExpressions(value: Json, path: Path): void {
    if (Array.isArray(value))
      value.forEach((item, index) => {
        checkExpressions(item, [...path, index]);
      });
    else if (isObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        checkText(key, path, 0);
        checkExpressions(item, [...path, key]);
      }
    } else if (typeof value === 'string') checkText(value, path, 0);
  }

  function checkText(value: string, path: Path, shift: number): void {
    const expressions = expressionsIn(value, names);
    for (const found of expressions) {
      if ('fault' in found) {
        report(
          'warning',
          'expression.syntax',
          `\`\${${found.source.slice(0, 60)}}\` is no expression and stays as it is: ${found.fault}`,
          path,
          'Write \\${...} for text that is meant so.',
          found.start + shift,
        );
        continue;
      }
      for (const reference of references(found.expression)) {
        const fault = referenceFault(blueprint, reference);
        if (fault)
          report(
            'error',
            fault.code,
            `\`\${${found.source.slice(0, 60)}}\`: ${fault.message}`,
            path,
            fault.hint,
            found.start + shift,
          );
      }
    }
  }
}

const isYes = (value: Json | undefined): boolean => value === true || value === 'true';
const listed = (key: string, value: Json | undefined) => (Array.isArray(value) ? { [key]: value.map(text) } : {});

function referenceFault(
  blueprint: Blueprint,
  { root, name, call }: Reference,
): { code: DiagnosticCode; message: string; hint?: string } | undefined {
  if (call) {
    if (functionNames.includes(call)) return undefined;
    const close = nearest(call, functionNames);
    return {
      code: 'expression.function',
      message: `there is no function ${call}().`,
      hint: close && `Did you mean ${close}()?`,
    };
  }
  const unknown = (what: string, word: string, candidates: string[], code: DiagnosticCode) => {
    const close = nearest(word, candidates);
    return { code, message: `there is no ${what} ${word}.`, hint: close && `Did you mean ${close}?` };
  };
  if (root === 'input' && name !== undefined && !Object.hasOwn(blueprint.inputs, name))
    return unknown('input', name, Object.keys(blueprint.inputs), 'expression.input');
  if (root === 'resource' && name !== undefined && !Object.hasOwn(blueprint.resources, name))
    return unknown('resource', name, Object.keys(blueprint.resources), 'expression.resource');
  if (root === 'variable' && name !== undefined && !Object.hasOwn(blueprint.variables, name))
    return unknown('variable', name, Object.keys(blueprint.variables), 'expression.variable');
  if (roots.includes(root) || Object.hasOwn(blueprint.resources, root)) return undefined;
  return {
    ...unknown('name', root, [...roots, ...Object.keys(blueprint.resources)], 'expression.name'),
    hint: 'Write \\${...} for text that is meant so.',
  };
}
