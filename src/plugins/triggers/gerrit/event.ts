import { z } from 'zod';
import type { StreamEvent } from '../../../sdk/streams.ts';

const account = z
  .looseObject({ name: z.string().default(''), email: z.string().default(''), username: z.string().default('') })
  .default({ name: '', email: '', username: '' });
const count = z.coerce.number().int();

const change = z.looseObject({
  project: z.string(),
  branch: z.string(),
  topic: z.string().default(''),
  id: z.string(),
  number: count,
  subject: z.string().default(''),
  owner: account,
  url: z.string().default(''),
  commitMessage: z.string().default(''),
});
const patchSet = z.looseObject({
  number: count,
  revision: z.string(),
  ref: z.string().default(''),
  uploader: account,
  createdOn: count.default(0),
  files: z.array(z.looseObject({ file: z.string() })).default([]),
  approvals: z.array(z.looseObject({ type: z.string(), grantedOn: count.default(0), by: account })).default([]),
});

/** A change as `gerrit query --format=JSON` tells of it. */
export const Change = change.extend({
  status: z.string().default('NEW'),
  lastUpdated: count.default(0),
  currentPatchSet: patchSet.optional(),
  patchSets: z.array(patchSet).default([]),
});
export type Change = z.infer<typeof Change>;
export type PatchSet = z.infer<typeof patchSet>;
type Account = z.infer<typeof account>;

const OfChange = z.looseObject({
  type: z.enum(['patchset-created', 'change-merged', 'draft-published']),
  change,
  patchSet,
  uploader: account,
  submitter: account,
  newRev: z.string().default(''),
  eventCreatedOn: count.default(0),
});
const OfRef = z.looseObject({
  type: z.literal('ref-updated'),
  refUpdate: z.looseObject({ oldRev: z.string(), newRev: z.string(), refName: z.string(), project: z.string() }),
  submitter: account,
  eventCreatedOn: count.default(0),
});

export const eventTypes = ['patchset-created', 'change-merged', 'draft-published', 'ref-updated'] as const;

/** What happened at a Gerrit server; what has to do with no change (`ref-updated`) has none of its fields. */
export interface GerritEvent extends StreamEvent {
  project: string;
  branch: string;
  topic: string;
  changeId: string;
  /** 0: none. */
  number: number;
  subject: string;
  commitMessage: string;
  url: string;
  owner: Account;
  patchSet: number;
  revision: string;
  ref: string;
  uploader: Account;
  /** Who did it. */
  account: Account;
  /** Empty until they were asked for. */
  files: string[];
  /** Where the server is reached, and what it says of itself. */
  server: { name: string; host: string; port: number; version: string };
}

/** What is kept of an event to tell Gerrit how its run ended. */
export const Report = z.object({
  change: z.number(),
  patchSet: z.number(),
  project: z.string(),
  label: z.string(),
  failureComment: z.string(),
  successComment: z.string(),
});
export type Report = z.infer<typeof Report>;

const nobody: Account = { name: '', email: '', username: '' };
const branchOf = (ref: string): string => ref.replace(/^refs\/heads\//, '');

/** One line of the stream; undefined for what no trigger waits for. @throws ZodError where a known type has another form. */
export function readEvent(line: unknown, server: GerritEvent['server']): GerritEvent | undefined {
  const type = (line as { type?: unknown } | null)?.type;
  if (type === 'ref-updated') {
    const { refUpdate, submitter, eventCreatedOn } = OfRef.parse(line);
    const { project, refName, oldRev, newRev } = refUpdate;
    // Reviews live under references of their own, each change of which is told of as what it is.
    if (/^refs\/(?!heads\/|tags\/)/.test(refName)) return undefined;
    return {
      ...{ kind: type, delivery: `${type}/${project}/${refName}/${oldRev}/${newRev}`, at: eventCreatedOn * 1000 },
      ...{ project, branch: branchOf(refName), topic: '', changeId: '', number: 0, subject: '', commitMessage: '' },
      ...{ url: '', owner: nobody, patchSet: 0, revision: newRev, ref: refName, uploader: submitter },
      ...{ account: submitter, files: [], server },
    };
  }
  if (!eventTypes.includes(type as never)) return undefined;
  const given = OfChange.parse(line);
  const account = given.type === 'change-merged' ? given.submitter : given.uploader;
  return eventOf(given.type, given.change, given.patchSet, { account, at: given.eventCreatedOn * 1000, server });
}

/** The same event has the same delivery, whether the stream told of it or a question found it later. */
export function eventOf(
  kind: (typeof eventTypes)[number],
  { project, branch, topic, id, number, subject, commitMessage, url, owner }: Change | z.infer<typeof change>,
  { number: patch, revision, ref, uploader, files }: PatchSet,
  more: Pick<GerritEvent, 'account' | 'at' | 'server'>,
): GerritEvent {
  return {
    ...{ kind, delivery: `${kind}/${project}/${number}/${patch}`, project, branch: branchOf(branch), topic },
    ...{ changeId: id, number, subject, commitMessage, url, owner, patchSet: patch, revision, ref, uploader },
    ...more,
    files: filesOf(files),
  };
}

/** Gerrit counts the message of the commit, and the list of what was merged, among the files. */
export const filesOf = (files: PatchSet['files']): string[] =>
  files.map(({ file }) => file).filter((file) => file !== '/COMMIT_MSG' && file !== '/MERGE_LIST');

/** What a change stands for now: its current patch set, or its merge. */
export function presentOf(given: Change, server: GerritEvent['server']): GerritEvent | undefined {
  const current = given.currentPatchSet;
  if (!current || given.status === 'ABANDONED') return undefined;
  if (given.status !== 'MERGED')
    return eventOf('patchset-created', given, current, {
      ...{ account: current.uploader, at: current.createdOn * 1000, server },
    });
  const submit = current.approvals.find(({ type }) => type === 'SUBM');
  const at = (submit?.grantedOn || given.lastUpdated) * 1000;
  return eventOf('change-merged', given, current, { account: submit?.by ?? nobody, at, server });
}
