import { z } from 'zod';
import { exitCodeText } from '../../core/exit-code.ts';
import { type JsonObject, parseJson } from '../../core/json.ts';
import { shellQuote } from '../../core/shell-quote.ts';
import { texts } from '../../sdk/fields.ts';
import { defineTask, type TaskContext } from '../../sdk/task.ts';
import { collectReports, readCollected, reportItem } from '../results/collect.ts';
import { exportsAsJson } from '../shell.ts';
import { placeOf } from '../workspaces/place.ts';

/** A build that takes longer than this wants a `millrace: {timeout: ...}` of its own. */
const longest = 6 * 3600;

/** The CI task. `allowed`: whether plain processes on this machine may run what pipelines say. */
export const ciTask = (allowed: boolean) =>
  defineTask({
    type: 'CI',
    title: 'CI',
    summary: 'Runs build steps, as one shell script, in the workspace of the pipeline.',
    input: z.object({
      steps: texts('Lines of one shell script; a failing line ends it.'),
      export: texts('Variables whose values are put out.').default([]),
      artifacts: texts('Files to keep.').default([]),
      process: z
        .array(reportItem)
        .describe('Reports to read when the steps have ended, however they ended.')
        .default([]),
    }),
    output: {
      exports: 'Values of the exported variables; null for one that was never set.',
      artifacts: 'Paths of the artifacts.',
      exitCode: 'Exit code of the script.',
      process: 'By the name of each item, what its reports say.',
    },
    endpoints: {},
    examples: [
      {
        title: 'Build and test',
        yaml: 'type: CI\ninput:\n  steps:\n  - npm ci\n  - npm test\n  - export VERSION=$(cat version)\n  export: [VERSION]\n',
      },
      {
        title: 'Read what the tests say',
        yaml: "type: CI\ninput:\n  steps: [mvn -B verify]\n  process:\n  - {type: JUnit, name: unit, path: '**/surefire-reports/*.xml'}\n  - {type: JaCoCo, name: coverage, path: target/site/jacoco/jacoco.xml}\n",
      },
    ],
    /** The runner knows the key. */
    worksHere: true,
    usesWorkspace: true,
    isRepeatable: () => true,

    async start({ steps, export: exported, artifacts, process }, context) {
      const refusal = refuse(context, allowed);
      if (refusal) return { failed: refusal };
      const place = placeOf(context);
      const finish = finishScript(exported, artifacts, process);
      return place.start({
        script: stepsScript([...cloneSteps(context), ...steps], finish !== ''),
        environment: { ...context.workspace.environment, JOB: place.own },
        files: finish ? { 'finish.sh': finish } : {},
        within: 'workspace',
        limits: { seconds: longest, memoryMb: 2048, fileMb: 1024 },
      });
    },

    async poll(ticket, { process, export: exported, artifacts: wanted }, context) {
      const place = placeOf(context);
      return place.poll(ticket, async (exitCode) => {
        const told = exported.length > 0 ? await place.read('exports.json') : undefined;
        const exports = parseJson(told ?? '{}') ?? {};
        const listed = wanted.length > 0 ? await place.read('artifacts.list') : undefined;
        const artifacts = (listed ?? '').split('\n').filter(Boolean);
        const { figures, sentence } = await readCollected(place.read, process);
        const output: JsonObject = { exitCode, exports, artifacts, process: figures };
        return exitCode === 0
          ? { done: output, message: sentence }
          : { failed: `The steps ended with ${exitCodeText(exitCode)}. ${sentence}`.trim(), output };
      });
    },

    cancel: async (_, __, context) => placeOf(context).cancel(),
  });

function refuse({ workspace }: TaskContext, allowed: boolean): string | undefined {
  if (workspace.container) return undefined;
  const type = workspace.type.toUpperCase();
  if (type === 'DOCKER')
    return 'The workspace names no `endpoint` of a Docker host, or no `image`; `workspace: {type: PROCESS}` runs steps as a plain process.';
  if (type !== 'PROCESS')
    return `The workspace is of the type ${workspace.type}, which this version cannot make; DOCKER, K8S and PROCESS it can.`;
  return allowed
    ? undefined
    : 'A workspace of the type PROCESS runs steps as a plain process on the machine of the server, and this server does not allow that. Start it with --allow-process-workspace.';
}

/** With `autoCloneForTrigger` the steps of a triggered run stand in a clone of what was pushed; the first task makes it. */
function cloneSteps({ workspace: { repository } }: TaskContext): string[] {
  if (!repository) return [];
  const [branch, ssh, https] = [repository.branch, repository.sshUrl, repository.httpUrl].map(shellQuote);
  const name = shellQuote(/([^/:]+?)(\.git)?\/?$/.exec(repository.httpUrl || repository.sshUrl)?.[1] ?? 'repository');
  const urls = [repository.sshUrl ? ssh : '', repository.httpUrl ? https : ''].filter(Boolean);
  return [
    '{ set +x; } 2>/dev/null',
    `[ -d ${name}/.git ] || ${urls.map((url) => `git clone -q -b ${branch} ${url} ${name}`).join(' || ')}`,
    `cd ${name}`,
    'set -x',
  ];
}

const stepsScript = (steps: string[], hasFinish: boolean): string =>
  [
    ...(hasFinish ? [`trap '{ code=$?; set +ex; } 2>/dev/null; . "$JOB/finish.sh"; exit $code' EXIT`] : []),
    'set -ex',
    ...steps,
    '',
  ].join('\n');

/** Runs at the end of the steps, however they ended: values of variables and files to keep. Empty where nothing is wanted. */
const finishScript = (exported: string[], artifacts: string[], reports: z.infer<typeof reportItem>[]): string =>
  [
    ...(exported.length > 0 ? [`{\n${exportsAsJson(exported)}\n} > "$JOB/exports.json"\n`] : []),
    ...artifacts.map(
      (path) =>
        `for f in ${path}; do [ -e "$f" ] && mkdir -p "$JOB/artifacts" && cp -r "$f" "$JOB/artifacts/" && echo "$JOB/artifacts/\${f##*/}" >> "$JOB/artifacts.list"; done\n`,
    ),
    ...collectReports(reports).map((line) => `${line}\n`),
  ].join('');
