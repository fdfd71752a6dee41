import { stringify } from 'yaml';
import { isError } from '../../core/diagnostic.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type Json, type JsonObject, stableText } from '../../core/json.ts';
import { withKeys } from '../../lang/edit.ts';
import { parseYaml } from '../../lang/yaml.ts';
import { fromRestForm, toRestForm } from '../../pipeline/rest-form.ts';
import { checkPipeline } from '../../pipeline/validate.ts';
import { taskRules } from '../../sdk/rules.ts';
import type { Document } from '../../store/store.ts';
import { common, flagOf, type Kind, type KindParts, refuseErrors } from './kind.ts';

const states = ['DISABLED', 'ENABLED', 'RELEASED'];

/**
 * A pipeline is kept as the text that it came as. What the API changes about it (its name, whether it is enabled) is changed in that
 * text, at its place, so that an export is what was imported but for what was changed.
 */
export function pipelineKind({ catalogue }: KindParts): Kind {
  const rules = taskRules(catalogue);
  const check = (name: string, content: string) => {
    const { pipeline, diagnostics } = checkPipeline(content, rules);
    refuseErrors('pipeline', name, diagnostics);
    return pipeline!;
  };

  function accept(body: JsonObject, before: Document | undefined): JsonObject {
    const state = stateAfter(body, before);
    const content = textOf(body, before, state);
    const { description, global } = check(String(body.name ?? before?.name ?? ''), content);
    return { content, state, enabled: state !== 'DISABLED', description, global };
  }

  function show(document: Document): JsonObject {
    const content = String(document.body.content);
    const { pipeline, diagnostics } = checkPipeline(content, rules);
    const enabled = document.body.enabled !== false;
    const form = toRestForm(readBack(content));
    return {
      ...form,
      ...common(document, 'pipelines'),
      kind: 'PIPELINE',
      concurrency: pipeline?.concurrency ?? 10,
      enabled,
      state: enabled ? String(document.body.state ?? 'ENABLED') : 'DISABLED',
      _warnings: diagnostics.map(({ code, message, line, column, ...one }) => ({
        ...{ level: isError(one as never) ? 'ERROR' : 'WARN', code, message, line, column },
      })),
    };
  }

  return { kind: 'pipeline', path: 'pipelines', accept, show };

  /** A file brings its text. A body that is what was shown, but for what stands at the top, keeps the text that is there. */
  function textOf(body: JsonObject, before: Document | undefined, state: string): string {
    if (typeof body.content === 'string') return body.content;
    const tops: Record<string, Json> = { enabled: state !== 'DISABLED' };
    if (!before) return stringify(fromRestForm({ ...body, ...tops }), asOriginal);
    const [old, text] = [show(before), String(before.body.content)];
    const isWhole = body.stages !== undefined || body.stageOrder !== undefined;
    const wanted: JsonObject = isWhole ? body : { ...old, ...body };
    const rest = (form: JsonObject) => ({ ...fromRestForm(toRestForm(form)), ...nothingAtTop });
    for (const key of ['name', 'project', 'description', 'global', 'tags'])
      if (wanted[key] !== undefined && stableText(wanted[key]) !== stableText(old[key])) tops[key] = wanted[key]!;
    if (flagOf(readBack(text).enabled) === tops.enabled) delete tops.enabled;
    const isSame = stableText(rest(wanted)) === stableText(rest(old));
    const edited = isSame ? withKeys(text, tops) : undefined;
    return edited ?? stringify({ ...fromRestForm(wanted), enabled: state !== 'DISABLED' }, asOriginal);
  }
}

/** As the original writes its files. */
const asOriginal = { lineWidth: 0, indentSeq: false };
const nothingAtTop = { name: '', project: '', description: '', global: false, tags: [], enabled: true };

const readBack = (content: string): JsonObject => {
  const value = parseYaml(content).documents[0]?.value;
  return isObject(value) ? value : {};
};

/**
 * The original has two words for one thing. Making ignores both; a change follows the one that differs from what is, since clients
 * feed back the other as they got it. What is released has been enabled before.
 */
function stateAfter(body: JsonObject, before: Document | undefined): string {
  if (!before) return 'DISABLED';
  const now = before.body.enabled === false ? 'DISABLED' : String(before.body.state ?? 'ENABLED');
  const enabled = flagOf(body.enabled);
  if (enabled !== undefined && enabled !== (now !== 'DISABLED')) return enabled ? 'ENABLED' : 'DISABLED';
  if (body.state === undefined || body.state === null || body.state === '') return now;
  const wanted = String(body.state).toUpperCase();
  if (!states.includes(wanted))
    throw new MillraceError('request.invalid', {
      message: `A pipeline has no state ${String(body.state)}.`,
      hint: `One of ${states.join(', ')}.`,
    });
  if (wanted === 'RELEASED' && now === 'DISABLED')
    throw new MillraceError('request.invalid', {
      message: `Pipeline ${before.name} is disabled, and only what is enabled can be released.`,
      hint: 'Set the state ENABLED first.',
    });
  return wanted;
}
