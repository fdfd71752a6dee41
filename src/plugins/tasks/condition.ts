import { z } from 'zod';
import { filledText } from '../../sdk/fields.ts';
import { defineTask } from '../../sdk/task.ts';

export const condition = defineTask({
  type: 'Condition',
  title: 'Condition',
  summary: 'Goes on where an expression is true, and stops the pipeline where it is not.',
  input: z.object({
    condition: filledText('The expression, such as `${Test.Load.output.exitCode} == 0`.'),
  }),
  output: { response: 'What the condition came to.' },
  endpoints: {},
  examples: [
    {
      title: 'Only after a good test',
      yaml: 'type: Condition\ninput:\n  condition: ${Test.UI.output.exitCode} == 0\n',
    },
  ],
  conditions: [['condition']],
  isRepeatable: () => true,
  async start({ condition: written }, { holds }) {
    const response = holds(written);
    return response
      ? { done: { response } }
      : { failed: `The condition is not met: ${written.trim()}`, output: { response } };
  },
});
