import { z } from 'zod';
import { filledText } from '../../sdk/fields.ts';
import { defineTask } from '../../sdk/task.ts';

/** The far side of this task wakes it when the run has ended, so looks need not come often. */
const secondsBetweenLooks = 5;

export const pipelineTask = defineTask({
  type: 'Pipeline',
  title: 'Pipeline',
  summary: 'Runs another pipeline of the project, or one that is shared by all, and waits for its end.',
  input: z.object({
    pipeline: filledText('Name of the pipeline.'),
    inputProperties: z.record(z.string(), z.json()).describe('Its inputs.').default({}),
  }),
  output: {
    executionStatus: 'How the run ended.',
    executionIndex: 'Its number.',
    pipelineExecutionLink: 'Where the API shows it.',
    outputProperties: 'The outputs of the pipeline.',
    inputProperties: 'The inputs that it ran with.',
  },
  endpoints: {},
  examples: [
    {
      title: 'Use what another pipeline puts out',
      yaml: 'type: Pipeline\ninput:\n  pipeline: Build Tito\n  inputProperties: {commit: "${input.GIT_COMMIT_ID}"}\n',
    },
  ],
  /** The id of the run follows from the key. */
  isRepeatable: () => true,

  async start({ pipeline, inputProperties }, { key, executions }) {
    const ticket = await executions.request(key, pipeline, inputProperties);
    return { wait: ticket, seconds: secondsBetweenLooks };
  },

  async poll(ticket, _, { executions }) {
    const { isOver, status, message, index, link, input, output } = await executions.report(String(ticket));
    if (!isOver) return { wait: ticket, seconds: secondsBetweenLooks };
    const told = {
      executionStatus: status,
      executionIndex: index,
      pipelineExecutionLink: link,
      outputProperties: output,
      inputProperties: input,
    };
    return status === 'COMPLETED' ? { done: told } : { failed: message, output: told };
  },

  cancel: async (ticket, _, { executions }) => executions.cancel(String(ticket)),
});
