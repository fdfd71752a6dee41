import { z } from 'zod';
import { flag, text, texts } from '../../sdk/fields.ts';
import { defineTask } from '../../sdk/task.ts';

const units = { MINUTES: 60_000, HOURS: 3_600_000, DAYS: 86_400_000 } as const;

export const userOperation = defineTask({
  type: 'UserOperation',
  title: 'User operation',
  summary: 'Waits until one of the approvers says yes or no, or until the time is over.',
  input: z.object({
    approvers: texts('User names or e-mail addresses.').default([]),
    approverGroups: texts('Groups whose members may answer.').default([]),
    summary: text('One line: what is asked.').default(''),
    description: text('The whole question; may be HTML.').default(''),
    sendemail: flag('Ask by mail as well; kept, and no mail is sent by this version.').default(false),
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
  }),
  output: {
    index: 'Number of the question.',
    respondedBy: 'Who answered.',
    respondedByEmail: 'The same.',
    respondedOnInMicros: 'When.',
    comments: 'What was said.',
  },
  endpoints: { emailServer: { types: ['email'], required: false, description: 'Server for mails.' } },
  examples: [
    {
      title: 'Ask before scaling out',
      yaml: "type: UserOperation\ninput:\n  approvers: ['${requestBy}']\n  summary: May the site be scaled out?\n  description: The load test missed its goal.\n  expiration: 3\n  expirationUnit: DAYS\n",
    },
  ],
  withoutEffect: {
    sendemail: 'this version sends no mail.',
    approverGroups: 'this version knows no groups; administrators may answer.',
  },
  isRepeatable: () => true,
  async start(
    {
      approvers,
      approverGroups,
      summary,
      description,
      expiration,
      expirationUnit,
      expirationInDays,
      cancelPreviousPendingUserOp,
    },
    { stage, task, pipeline },
  ) {
    const expiresIn =
      expiration !== undefined
        ? expiration * units[expirationUnit]
        : expirationInDays !== undefined
          ? expirationInDays * units.DAYS
          : null;
    return {
      ask: {
        approvers,
        approverGroups,
        summary: summary || `${pipeline}: ${stage}.${task} needs an answer`,
        description,
        expiresIn,
        cancelsPrevious: cancelPreviousPendingUserOp,
      },
    };
  },
});
