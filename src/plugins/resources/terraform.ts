import { z } from 'zod';
import { isObject, type Json, type JsonObject, parseJson } from '../../core/json.ts';
import { type CloudOutcome, defineCloudResource, type ResourceContext } from '../../sdk/cloud.ts';
import { text, textMap } from '../../sdk/fields.ts';
import type { JobSpec } from '../../sdk/powers.ts';
import { fetchTree } from '../tasks/git-file.ts';

const pollSeconds = 0.5;
/** Terraform's own files in the directory of the job. */
const [stateFile, outputsFile] = ['terraform.tfstate', 'outputs.json'];

const properties = z.looseObject({
  configurationSource: z
    .looseObject({
      repositoryId: text('Name of a `git` endpoint of the project.').default(''),
      commitId: text('Branch, tag or commit; the branch of the endpoint when empty.').default(''),
      sourceDirectory: text('Directory of the configuration in it.').default(''),
      files: textMap('The configuration itself, by file name, in place of a repository.').default({}),
    })
    .describe('Where the configuration is.'),
  variables: z.record(z.string(), z.json()).describe('Variables of the configuration.').default({}),
  environment: textMap('Environment of Terraform: credentials of its providers, for example.').default({}),
  terraformVersion: text('Told for people: the program that is installed is used.').default(''),
});

/**
 * A Terraform configuration as one resource. The program that the user has installed applies it, as a job that outlives the server; what
 * it remembers is kept, sealed, with the resource, also when it fails in the middle.
 */
export const terraform = (program: string | undefined) =>
  defineCloudResource({
    type: 'Cloud.Terraform.Configuration',
    accountType: 'any',
    title: 'Terraform configuration',
    summary: 'Applies a configuration with the Terraform or OpenTofu that `MILLRACE_TERRAFORM` of the server names.',
    properties,
    attributes: { outputs: '`outputs.<name>` of the configuration.' },
    create: (given, context) => start(program, 'apply', given, '', '', context),
    update: (given, before, context) =>
      start(program, 'apply', given, stateIn(before), String(before.lastJob ?? ''), context),
    destroy(before, context) {
      const state = stateIn(before);
      const given = properties.safeParse(before);
      if (state === '' || !given.success) return Promise.resolve({ done: {} });
      return start(program, 'destroy', given.data, state, String(before.lastJob ?? ''), context);
    },
    poll: look,
    cancel: (_, { key, powers }) => powers.jobs.cancel(key),
  });

/** The state that is kept is opened for whoever destroys or changes what it tells of. */
const stateIn = ({ terraformState }: JsonObject): string => String(terraformState ?? '');

async function start(
  program: string | undefined,
  verb: 'apply' | 'destroy',
  { configurationSource, variables, environment }: z.infer<typeof properties>,
  state: string,
  lastJob: string,
  { key, instance, powers }: ResourceContext,
): Promise<CloudOutcome> {
  const { repositoryId, commitId, sourceDirectory, files } = configurationSource;
  if (!program)
    return {
      failed: `${instance}: this server runs no Terraform: what a configuration runs, it runs as the user of the server. Whoever may decide that sets MILLRACE_TERRAFORM to the program.`,
    };
  const directory = powers.jobs.directory(key);
  if (repositoryId === '' && Object.keys(files).length === 0)
    return { failed: `${instance}: \`configurationSource\` names neither a repository nor files.` };
  const odd = [...Object.keys(files), sourceDirectory].find((path) => /(^\/|(^|\/)\.\.(\/|$))/.test(path));
  if (odd !== undefined) return { failed: `${instance}: the path ${odd} leads out of the configuration.` };
  let fetch: Pick<JobSpec, 'environment'> & { script: string } = { environment: {}, script: '' };
  if (repositoryId !== '') {
    fetch = fetchTree(await powers.endpoint(repositoryId, 'git'), commitId);
  }
  const own = Object.entries(files).map(([name, content]): [string, string] => [`configuration/${name}`, content]);
  if (lastJob && lastJob !== key) await powers.jobs.remove(lastJob);
  await powers.jobs.start(key, {
    run: { script: scriptFor(verb, fetch.script, sourceDirectory) },
    environment: { ...environment, ...fetch.environment, TERRAFORM_PROGRAM: program },
    directory,
    files: {
      'variables.json': JSON.stringify(variables),
      ...(state === '' ? {} : { [stateFile]: state }),
      ...Object.fromEntries(own),
    },
    limits: { seconds: 2 * 3600, memoryMb: 4096, fileMb: 4096 },
  });
  return { wait: verb, seconds: pollSeconds };
}

/** The state lies beside the configuration, and is read from there however the program ends. */
const scriptFor = (verb: string, fetch: string, sourceDirectory: string): string => `
program=$(command -v "$TERRAFORM_PROGRAM") || { echo "There is no program $TERRAFORM_PROGRAM on the machine of the server."; exit 2; }
set -e
job=$PWD
trap 'rm -rf "$job/variables.json" "$job/configuration" "$job/tree" "$job/repository"' EXIT
${fetch}
[ -d tree ] && cp -R tree configuration
cd "configuration/${sourceDirectory}"
export TF_IN_AUTOMATION=1 TF_INPUT=0 CHECKPOINT_DISABLE=1
"$program" init -input=false -no-color
"$program" ${verb} -auto-approve -input=false -no-color -state="$job/${stateFile}" -var-file="$job/variables.json"
"$program" output -json -no-color -state="$job/${stateFile}" > "$job/${outputsFile}"
`;

async function look(ticket: Json, { key, instance, powers }: ResourceContext): Promise<CloudOutcome> {
  const { status, output, exitCode, stopped } = await powers.jobs.state(key, 0);
  if (status === 'running') return { wait: ticket, seconds: pollSeconds };
  const state = (await powers.jobs.read(key, stateFile)) ?? '';
  // Its directory goes with the next step, since this one may have to be looked at again.
  const known: JsonObject = state === '' ? {} : { terraformState: powers.seal(state), lastJob: key };
  if (status !== 'ended' || exitCode !== 0) {
    const last = output.trim().split('\n').slice(-6).join(' / ');
    return {
      failed: `${instance}: terraform ${String(ticket)} ${stopped ?? `ended with ${exitCode ?? 'its process lost'}`}. Last lines: ${last}`,
      known,
    };
  }
  if (ticket === 'destroy') return { done: {} };
  return { done: { ...known, outputs: outputsIn(await powers.jobs.read(key, outputsFile), powers.seal) } };
}

function outputsIn(written: string | undefined, seal: (secret: string) => string): JsonObject {
  const outputs = parseJson(written ?? '');
  return Object.fromEntries(
    Object.entries(isObject(outputs) ? outputs : {}).map(([name, output]) => {
      const { value = null, sensitive = false } = isObject(output) ? output : {};
      return [name, sensitive === true ? seal(typeof value === 'string' ? value : JSON.stringify(value)) : value];
    }),
  );
}
