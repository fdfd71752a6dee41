import { formatDuration } from '../core/duration.ts';

/** What each status looks like: never by colour alone. */
const looks: Record<string, { sign: string; tone: string }> = {
  NOT_STARTED: { sign: '○', tone: 'quiet' },
  QUEUED: { sign: '◷', tone: 'quiet' },
  STARTED: { sign: '▶', tone: 'busy' },
  RUNNING: { sign: '▶', tone: 'busy' },
  WAITING: { sign: '?', tone: 'asks' },
  PAUSING: { sign: '‖', tone: 'asks' },
  PAUSED: { sign: '‖', tone: 'asks' },
  CANCELING: { sign: '▢', tone: 'busy' },
  COMPLETED: { sign: '✔', tone: 'good' },
  FAILED: { sign: '✘', tone: 'bad' },
  FAILED_CONTINUE: { sign: '✘', tone: 'asks' },
  ROLLING_BACK: { sign: '↶', tone: 'busy' },
  ROLLBACK_COMPLETED: { sign: '↶', tone: 'bad' },
  ROLLBACK_FAILED: { sign: '✘', tone: 'bad' },
  SKIPPED: { sign: '–', tone: 'quiet' },
  CANCELED: { sign: '▢', tone: 'quiet' },
};

/** Of deployments and their resources, by how the word ends. */
const endings: [RegExp, { sign: string; tone: string }][] = [
  [/(^|_)SUCCESSFUL$|^OK$/, { sign: '✔', tone: 'good' }],
  [/_FAILED$|^TAINTED$/, { sign: '✘', tone: 'bad' }],
  [/_INPROGRESS$|^INPROGRESS$|^PENDING$/, { sign: '▶', tone: 'busy' }],
  [/^PARTIAL$/, { sign: '◐', tone: 'asks' }],
  [/^OFF$/, { sign: '○', tone: 'quiet' }],
];
const lookOf = (status: string) => looks[status] ?? endings.find(([ending]) => ending.test(status))?.[1];

export const toneOf = (status: string): string => lookOf(status)?.tone ?? 'quiet';

export const wordsOf = (status: string): string =>
  status === 'FAILED_CONTINUE'
    ? 'failed, goes on'
    : status.replace('INPROGRESS', 'IN_PROGRESS').toLowerCase().replaceAll('_', ' ');

export function Sign({ status }: { status: string }) {
  return (
    <span className={`sign ${toneOf(status)}`} aria-hidden="true">
      {lookOf(status)?.sign ?? '·'}
    </span>
  );
}

export function Status({ status }: { status: string }) {
  return (
    <span className={`status ${toneOf(status)}`}>
      <Sign status={status} /> {wordsOf(status)}
    </span>
  );
}

export function Moment({ at }: { at: number }) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString(undefined, { timeStyle: 'short' });
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {isToday ? time : `${date.toLocaleDateString(undefined, { dateStyle: 'medium' })}, ${time}`}
    </time>
  );
}

/** How long something took, or has taken until now. */
export function Duration({ from, to }: { from: number; to: number }) {
  return <span className="duration">{formatDuration(Math.max(0, to - from))}</span>;
}
