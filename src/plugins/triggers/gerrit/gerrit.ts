import { z } from 'zod';
import type { JsonObject } from '../../../core/json.ts';
import { filledText, text, textMap } from '../../../sdk/fields.ts';
import { defineStream, type StreamLine, type StreamVerdict } from '../../../sdk/streams.ts';
import { fileFilters, fileReason } from '../file-filters.ts';
import { eventTypes, type GerritEvent, type Report } from './event.ts';
import { openGerrit } from './server.ts';

const configuration = z.object({
  eventType: z
    .preprocess((value) => String(value).toLowerCase().replaceAll('_', '-'), z.enum(eventTypes))
    .describe('What fires.'),
  pipeline: filledText('The pipeline that it starts.'),
  input: textMap('Inputs of the run, under those that the event brings.').default({}),
  failureComment: text('What is said at the change when the run has failed.').default(''),
  successComment: text('What is said at the change when the run has completed.').default(''),
  verifiedLabel: text(
    'A label to vote on, +1 or -1: its name, or `true` for Verified; none when empty, and none on merged changes.',
  ).default(''),
});

const config = z.looseObject({
  listener: filledText('The listener whose events it waits for.'),
  gerritProject: filledText('The project at Gerrit.'),
  branch: text('Branch; any when empty.').default(''),
  configurations: z.array(configuration).min(1).describe('What is started by which event.'),
  ...fileFilters,
});

export const gerrit = defineStream({
  type: 'gerrit',
  title: 'Gerrit',
  summary:
    'Starts pipelines when a patch set is uploaded, or a change or reference updated, and answers with a comment and a vote. A listener holds a line to the server (`gerrit stream-events` over SSH, with the private key of its endpoint); what happened while there was none is asked for when there is one again, but for references that were pushed past the review.',
  endpointType: 'gerrit',
  words: {
    listener: 'gerrit-listener',
    listeners: 'gerrit-listeners',
    kind: 'gerrit-trigger',
    path: 'gerrit-triggers',
    event: 'gerrit-event',
    events: 'gerrit-events',
    comment: 'Gerrit event triggered execution',
  },
  config,

  open: (endpoint): Promise<StreamLine<GerritEvent>> => openGerrit(endpoint),

  concerns: (event: GerritEvent, { gerritProject, configurations }) =>
    event.project === gerritProject && configurations.some(({ eventType }) => eventType === event.kind),

  match(event: GerritEvent, { branch, configurations, ...filters }): StreamVerdict {
    const wanted = branch.replace(/^refs\/heads\//, '');
    if (wanted && event.branch !== wanted)
      return { ignore: `The branch is ${event.branch}, and this trigger waits for ${wanted}.` };
    if (event.number === 0 && /^0+$/.test(event.revision)) return { ignore: `${event.ref} was deleted.` };
    const reason = fileReason(event.files, filters);
    if (reason) return { ignore: reason };
    const { account, owner, revision } = event;
    const author = account.username || account.email || owner.username || owner.email;
    return {
      fire: configurations
        .filter(({ eventType }) => eventType === event.kind)
        .map((one) => ({
          pipeline: one.pipeline,
          input: { ...one.input, ...inputsOf(event) },
          report: reportOf(event, one),
        })),
      author,
      tags: [author, revision].filter(Boolean),
    };
  },

  record: ({ project, branch, number, changeId, patchSet, revision, subject, url, owner }: GerritEvent) => ({
    ...{ gerritProject: project, branch, changeNumber: number, changeId, patchSet, revision, subject },
    ...{ url, owner: owner.username || owner.email || owner.name },
  }),
});

/** Nobody can be told of a reference; on a merged change nobody can vote. */
function reportOf(event: GerritEvent, one: z.infer<typeof configuration>): JsonObject {
  if (event.number === 0) return {};
  const label = /^(false|none)?$/i.test(one.verifiedLabel) || event.kind === 'change-merged' ? '' : one.verifiedLabel;
  return {
    ...{ change: event.number, patchSet: event.patchSet, project: event.project },
    label: /^true$/i.test(label) ? 'Verified' : label,
    ...{ failureComment: one.failureComment, successComment: one.successComment },
  } satisfies Report;
}

/** The inputs that the original injects. */
function inputsOf(event: GerritEvent): Record<string, string> {
  const { owner, uploader, account, server } = event;
  const person = (key: string, { name, email, username }: typeof owner) => ({
    [key]: name && email ? `"${name}" <${email}>` : name || email,
    ...{ [`${key}_EMAIL`]: email, [`${key}_NAME`]: name, [`${key}_USERNAME`]: username },
  });
  return {
    GERRIT_BRANCH: event.branch,
    GERRIT_CHANGE_COMMIT_MESSAGE: event.commitMessage,
    GERRIT_CHANGE_FILELIST: event.files.join(','),
    GERRIT_CHANGE_ID: event.changeId,
    GERRIT_CHANGE_NUMBER: event.number ? String(event.number) : '',
    ...person('GERRIT_CHANGE_OWNER', owner),
    GERRIT_CHANGE_SUBJECT: event.subject,
    GERRIT_CHANGE_URL: event.url,
    ...person('GERRIT_EVENT_ACCOUNT', account),
    GERRIT_EVENT_CREATED_ON: String(Math.floor(event.at / 1000)),
    GERRIT_EVENT_TYPE: event.kind,
    GERRIT_HOST: server.host,
    GERRIT_NAME: server.name,
    GERRIT_PATCHSET_NUMBER: event.patchSet ? String(event.patchSet) : '',
    GERRIT_PATCHSET_REVISION: event.revision,
    ...person('GERRIT_PATCHSET_UPLOADER', uploader),
    GERRIT_PORT: String(server.port),
    GERRIT_PROJECT: event.project,
    GERRIT_REFSPEC: event.ref,
    GERRIT_SCHEME: 'ssh',
    GERRIT_TOPIC: event.topic,
    GERRIT_URL: event.url.replace(/\/(c\/.*|\d+\/?|#\/c\/.*)$/, ''),
    GERRIT_VERSION: server.version,
  };
}
