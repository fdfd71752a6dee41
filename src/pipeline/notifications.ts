import { nearest } from '../core/diagnostic.ts';
import { isObject, type JsonObject, objectsIn } from '../core/json.ts';
import { type Reader, text } from '../lang/reader.ts';
import type { Execution, ExecutionEvent } from './execution.ts';
import type { Stage } from './model.ts';

export const providers = ['email', 'jira', 'webhook'] as const;
export type Provider = (typeof providers)[number];

/** What people are told about, in the words of the original. */
const words = ['SUCCESS', 'FAILURE', 'WAITING', 'CANCELED', 'STARTED'] as const;
export type Word = (typeof words)[number];

/** One notification as its author wrote it: of the whole run where it names no stage, of a stage, or of a task. */
export interface Notification {
  /** Its place among all of the pipeline: it is known by this. */
  number: number;
  provider: Provider;
  event: string;
  stage: string;
  task: string;
  /** As written, bindings unresolved. */
  config: JsonObject;
}

/** Every notification of a pipeline, from what stands under `notifications`. */
export function notificationsIn(written: JsonObject): Notification[] {
  return providers
    .flatMap((provider) => objectsIn(written[provider]).map((config) => ({ provider, config })))
    .map(({ provider, config }, number) => ({
      number,
      provider,
      event: text(config.event).toUpperCase(),
      stage: text(config.stage),
      task: text(config.task),
      config,
    }));
}

/** What looks wrong about them; a part that is not there is told of never. */
export function checkNotifications({ map, list, report }: Reader, written: JsonObject, stages: Stage[]): void {
  for (const provider of providers)
    for (const [index, item] of list(written[provider], ['notifications', provider]).entries()) {
      const path = ['notifications', provider, index];
      const { event, stage, task } = map(item, path);
      if (!isObject(item)) continue;
      const warn = (key: string, met: string, known: readonly string[], what: string) => {
        const close = nearest(met, [...known]);
        const message = `This notification is for the ${what} ${met || '(none)'}, which there is not: it is never sent.`;
        report('warning', 'notification.unknown-part', message, [...path, key], close && `Did you mean ${close}?`);
      };
      const found = stages.find(({ name }) => name === text(stage));
      if (!words.includes(text(event).toUpperCase() as Word)) warn('event', text(event), words, 'event');
      if (text(stage) && !found) {
        const names = stages.map(({ name }) => name);
        warn('stage', text(stage), names, 'stage');
      } else if (text(task) && !Object.hasOwn(found?.tasks ?? {}, text(task)))
        warn('task', text(task), Object.keys(found?.tasks ?? {}), 'task');
    }
}

/** What happened to a run, a stage or a task, as notifications call it. */
export interface Occasion {
  word: Word;
  stage: string;
  task: string;
  /** A question of a task makes its stage and its run wait as well. */
  alsoAbove?: boolean;
}

function occasionOf(event: ExecutionEvent): Occasion | undefined {
  switch (event.type) {
    case 'execution-started':
      return { word: 'STARTED', stage: '', task: '' };
    case 'execution-ended':
      return { word: wordOf(event.status), stage: '', task: '' };
    case 'stage-started':
      return { word: 'STARTED', stage: event.stage, task: '' };
    case 'stage-ended':
      return { word: wordOf(event.status), stage: event.stage, task: '' };
    case 'task-started':
      return { word: 'STARTED', stage: event.stage, task: event.task };
    case 'task-waiting':
      return { word: 'WAITING', stage: event.stage, task: event.task, alsoAbove: true };
    case 'task-ended':
      return { word: wordOf(event.status), stage: event.stage, task: event.task };
    default:
      return undefined;
  }
}

const wordOf = (status: string): Word =>
  status === 'COMPLETED' ? 'SUCCESS' : status === 'CANCELED' ? 'CANCELED' : 'FAILURE';

/** Which notifications an event calls for, each with a key that is its own however often the run goes on. */
export function notificationsFor(
  { plan, resumes, tasks }: Execution,
  event: ExecutionEvent,
): { number: number; word: Word; key: string }[] {
  const { notifications } = plan.pipeline;
  if (Object.keys(notifications).length === 0) return [];
  const occasion = occasionOf(event);
  if (!occasion) return [];
  const state = tasks[`${occasion.stage}.${occasion.task}`];
  const attempt = state && 'attempt' in state ? state.attempt : 0;
  const round = `${resumes?.count ?? 0}-${attempt}-${occasion.word}`;
  return notificationsIn(notifications)
    .filter((one) => one.event === occasion.word && isAbout(one, occasion))
    .map(({ number }) => ({
      number,
      word: occasion.word,
      key: `${plan.execution}/notification/${number}/${occasion.stage}.${occasion.task}/${round}`,
    }));
}

function isAbout(one: Notification, { stage, task, alsoAbove }: Occasion): boolean {
  if (one.stage === stage && one.task === task) return true;
  return alsoAbove === true && one.task === '' && (one.stage === '' || one.stage === stage);
}
