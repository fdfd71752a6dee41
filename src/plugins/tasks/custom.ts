import { z } from 'zod';
import { exitCodeText } from '../../core/exit-code.ts';
import { isObject, type JsonObject, parseJson } from '../../core/json.ts';
import { shellQuote } from '../../core/shell-quote.ts';
import { filledText, text } from '../../sdk/fields.ts';
import { defineTask, type TaskContext } from '../../sdk/task.ts';
import { exportLines, exportsAsJson } from '../shell.ts';
import { type Place, placeOf, processPlace } from '../workspaces/place.ts';

export const custom = defineTask({
  type: 'Custom',
  title: 'Custom integration',
  summary:
    'Runs the code of a custom integration (Node.js, Python or shell) in the workspace of the pipeline, or in a limited process of its own where it has none.',
  input: z.object({
    name: filledText('Name of the custom integration.'),
    version: text('A released version.').default(''),
    properties: z.record(z.string(), z.json()).describe('Its inputs.').default({}),
  }),
  output: { properties: 'What the code put out.' },
  endpoints: {},
  examples: [
    {
      title: 'Call an integration',
      yaml: 'type: Custom\ninput:\n  name: Post to chat\n  version: 1.0\n  properties: {message: Released}\n',
    },
  ],
  worksHere: true,
  usesWorkspace: true,
  isRepeatable: () => true,

  async start({ name, version, properties }, context) {
    const found = await context.integrations.find(name, version);
    if (!found)
      return {
        failed: `There is no custom integration ${name}${version ? ` in a released version ${version}` : ''}. Import it, or release the version.`,
      };
    const job = jobFor(found.runtime, found.code, properties, found.outputs);
    if (!job)
      return {
        failed: `The runtime ${found.runtime} of ${name} is not supported; nodejs, python3 and shell are.`,
      };
    const place = workplaceOf(context);
    return place.start({
      script: `cd ${shellQuote(place.own)} && exec ${job.command.join(' ')}`,
      environment: {},
      files: job.files,
      within: 'own',
      limits: { seconds: 3600, memoryMb: 512, fileMb: 256 },
    });
  },

  async poll(ticket, _, context) {
    const place = workplaceOf(context);
    return place.poll(ticket, async (exitCode) => {
      const written = parseJson((await place.read('outputs.json')) ?? '{}');
      const properties = isObject(written) ? written : {};
      return exitCode === 0
        ? { done: { properties } }
        : { failed: `The code ended with ${exitCodeText(exitCode)}.`, output: { properties } };
    });
  },

  cancel: async (_, __, context) => workplaceOf(context).cancel(),
});

/** The container of the pipeline, which must bring the runtime; where it has none, a limited process of this machine. */
const workplaceOf = (context: TaskContext): Place =>
  context.workspace.container ? placeOf(context) : processPlace(context);

/** Node: `require("./context.js")`; Python: `from context import getInput, setOutput`; shell: variables in, `export` out. */
function jobFor(
  runtime: string,
  code: string,
  properties: JsonObject,
  outputs: string[],
): { command: string[]; files: Record<string, string> } | undefined {
  const inputs = JSON.stringify(properties);
  if (/^node/i.test(runtime)) {
    return {
      command: ['node', 'main.cjs'],
      files: {
        'inputs.json': inputs,
        'package.json': '{"type":"commonjs"}',
        'context.js': `const fs = require('node:fs');\nconst inputs = JSON.parse(fs.readFileSync(__dirname + '/inputs.json', 'utf8'));\nconst outputs = {};\nexports.getInput = (name) => inputs[name];\nexports.setOutput = (name, value) => { outputs[name] = value; fs.writeFileSync(__dirname + '/outputs.json', JSON.stringify(outputs)); };\n`,
        'main.cjs': code,
      },
    };
  }
  if (/^python/i.test(runtime)) {
    return {
      command: ['python3', '-B', 'main.py'],
      files: {
        'inputs.json': inputs,
        'context.py': `import json\nwith open('inputs.json') as file:\n    _inputs = json.load(file)\n_outputs = {}\ndef getInput(name):\n    return _inputs.get(name)\ndef setOutput(name, value):\n    _outputs[name] = value\n    with open('outputs.json', 'w') as file:\n        json.dump(_outputs, file)\n`,
        'main.py': code,
      },
    };
  }
  if (!/^(shell|sh|bash)$/i.test(runtime)) return undefined;
  const variables = Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  return {
    command: ['/bin/sh', 'main.sh'],
    files: {
      'inputs.sh': exportLines(variables),
      'code.sh': code,
      'finish.sh': `{\n${exportsAsJson(outputs)}\n} > outputs.json\n`,
      'main.sh': `trap 'code=$?; . ./finish.sh; exit $code' EXIT\n. ./inputs.sh\n. ./code.sh\n`,
    },
  };
}
