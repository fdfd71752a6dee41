import { z } from 'zod';
import { messageOf } from '../../core/error.ts';
import { escapeHtml } from '../../core/html.ts';
import { questionOf } from '../../pipeline/question.ts';
import { flag, text, texts } from '../../sdk/fields.ts';
import { defineTask, type TaskContext } from '../../sdk/task.ts';
import { sendMail } from '../mail.ts';

const units = { MINUTES: 60_000, HOURS: 3_600_000, DAYS: 86_400_000 } as const;

const input = z.object({
  approvers: texts('User names or e-mail addresses.').default([]),
  approverGroups: texts('Groups whose members may answer.').default([]),
  summary: text('One line: what is asked.').default(''),
  description: text('The whole question; may be HTML.').default(''),
  sendemail: flag(
    'Ask by mail as well: the approvers, and the members of the groups, whose addresses are known.',
  ).default(false),
  expiration: z.coerce.number().positive().describe('How long the question stays open.').optional(),
  expirationUnit: z
    .preprocess(
      (value) => (typeof value === 'string' ? value.toUpperCase() : value),
      z.enum(['MINUTES', 'HOURS', 'DAYS']),
    )
    .describe('Unit of `expiration`.')
    .default('DAYS'),
  expirationInDays: z.coerce.number().positive().describe('Older form of `expiration`.').optional(),
  cancelPreviousPendingUserOp: flag(
    'Withdraw older open questions of the same pipeline, and cancel their runs.',
  ).default(false),
  pipelineName: text('Ignored; kept for old files.').optional(),
});
type Input = z.infer<typeof input>;

export const userOperation = defineTask({
  type: 'UserOperation',
  title: 'User operation',
  summary: 'Waits until one of the approvers says yes or no, or until the time is over.',
  input,
  output: {
    index: 'Number of the question.',
    respondedBy: 'Who answered.',
    respondedByEmail: 'Their mail address; the name where none is known.',
    responderRoles: 'Their role and groups.',
    respondedOnInMicros: 'When.',
    comments: 'What was said.',
  },
  endpoints: { emailServer: { types: ['email'], required: false, description: 'Sends the mails of `sendemail`.' } },
  examples: [
    {
      title: 'Ask before scaling out',
      yaml: "type: UserOperation\ninput:\n  approvers: ['${requestBy}']\n  summary: May the site be scaled out?\n  description: The load test missed its goal.\n  expiration: 3\n  expirationUnit: DAYS\n",
    },
  ],
  /** A mail that is sent again has the id of the first one. */
  isRepeatable: () => true,
  async start(given, context) {
    const { approvers, approverGroups, description, cancelPreviousPendingUserOp, sendemail } = given;
    const { stage, task, pipeline, log } = context;
    const summary = given.summary || `${pipeline}: ${stage}.${task} needs an answer`;
    if (sendemail) {
      const said = await askByMail({ ...given, summary }, context);
      await log.append(await log.offset(), `${said}\n`);
    }
    return {
      ask: {
        approvers,
        approverGroups,
        summary,
        description,
        expiresIn: lifeOf(given),
        cancelsPrevious: cancelPreviousPendingUserOp,
      },
    };
  },
});

function lifeOf({ expiration, expirationUnit, expirationInDays }: Input): number | null {
  if (expiration !== undefined) return expiration * units[expirationUnit];
  return expirationInDays === undefined ? null : expirationInDays * units.DAYS;
}

/** Says what became of the mail. A question stands whether or not its mail went out: it may be answered all the same. */
async function askByMail(
  { approvers, approverGroups, summary, description }: Input,
  context: TaskContext,
): Promise<string> {
  const { key, link, answerLink, mask, pipeline } = context;
  const server = context.endpoint('emailServer');
  if (!server) return 'No mail was sent: name the endpoint of a mail server as `emailServer` of the task.';
  const to = await context.addressesOf(approvers, approverGroups);
  if (to.length === 0) return 'No mail was sent: no approver has a mail address that is known.';
  const { index } = questionOf(key);
  const reached: string[] = [];
  const faults: string[] = [];
  // Each gets a mail of their own: its link says who answers.
  for (const address of to) {
    const html = [
      asHtml(mask(description)),
      `<p><a href="${answerLink(address)}">Answer: approve or reject</a></p>`,
      `<p>${escapeHtml(pipeline)} waits for your answer. The link is for you alone and can be used once; on the command line, <code>millrace approve ${index}</code> or <code>millrace reject ${index}</code>. The run: <a href="${link}">${link}</a></p>`,
    ];
    const mail = { id: `${key}/${address}`, to: [address], subject: mask(summary), html: html.join('\n') };
    try {
      await sendMail(server, mail);
      reached.push(address);
    } catch (thrown) {
      faults.push(mask(messageOf(thrown)));
    }
  }
  const failed = [...new Set(faults)].join(' ');
  if (reached.length === 0) return `No mail was sent: ${failed}`;
  return `Asked by mail: ${reached.join(', ')}.${failed ? ` Others were not reached: ${failed}` : ''}`;
}

/** Authors write HTML or plain lines. */
const asHtml = (description: string): string =>
  /<\w/.test(description) ? description : escapeHtml(description).replaceAll('\n', '<br>\n');
