import { MillraceError } from '../core/error.ts';
import { exitCodeText } from '../core/exit-code.ts';
import type { JsonObject } from '../core/json.ts';
import { idOfKey } from '../core/key-id.ts';
import { masker } from '../core/secret.ts';
import { functionJob, type Runtime, readResult } from '../lang/function-wrapper.ts';
import type { Command } from '../store/store.ts';
import { readVariables } from './definitions.ts';
import type { FunctionRun } from './function-run.ts';
import { openSecrets } from './open-secrets.ts';
import type { EngineParts } from './parts.ts';
import type { Mailbox } from './transact.ts';

const pollEvery = 100;

/** Functions (ABX actions): runs asked for by key, performed as jobs that outlive the server. */
export function functionDesk(parts: EngineParts, mailbox: Mailbox) {
  return { request, start, poll, cancel, stop };

  /** The same key twice is one run. */
  async function request(
    actionId: string,
    inputs: JsonObject,
    by: string,
    key: string | undefined,
    opensSecretsOf?: string,
  ): Promise<FunctionRun> {
    const action = await parts.store.get('action', actionId);
    if (!action)
      throw new MillraceError('not.found', {
        message: `There is no action ${actionId}.`,
        hint: 'See GET /abx/api/resources/actions',
      });
    const now = parts.moment.now();
    const { body } = action;
    const run: FunctionRun = {
      id: key ? idOfKey(`${actionId}/${key}`) : parts.moment.newId(),
      actionId,
      actionName: action.name,
      project: action.project,
      host: parts.node.host,
      runtime: String(body.runtime),
      entrypoint: String(body.entrypoint || 'handler'),
      source: String(body.source),
      inputs: { ...(body.inputs as JsonObject), ...inputs },
      ...(opensSecretsOf === undefined ? {} : { opensSecretsOf }),
      timeoutSeconds: Number(body.timeoutSeconds) || 180,
      memoryInMB: Number(body.memoryInMB) || 300,
      runState: 'CREATED',
      outputs: {},
      errorMessage: '',
      logs: '',
      triggeredBy: by,
      createdMillis: now,
      startTimeMillis: null,
      endTimeMillis: null,
    };
    return (await mailbox.functionRun(run.id, { type: 'create', run }))!;
  }

  async function start(command: Command, run: FunctionRun): Promise<void> {
    const settles = { command: command.id, fence: command.fence };
    const { secrets, inputs } = await openedFor(run);
    const job = functionJob({
      runtime: run.runtime as Runtime,
      source: run.source,
      entrypoint: run.entrypoint,
      inputs,
      secrets,
      url: parts.url(),
      token: await parts.tokenFor(run.triggeredBy, (run.timeoutSeconds + 60) * 1000),
    });
    if ('refused' in job) {
      await mailbox.functionRun(
        run.id,
        { type: 'ended', runState: 'FAILED', outputs: {}, errorMessage: job.refused, logs: '' },
        { settles },
      );
      return;
    }
    await parts.jobs.start(run.id, {
      run: { command: job.command },
      environment: trustEnvironment(parts.trustFiles),
      directory: parts.jobs.directory(run.id),
      files: job.files,
      limits: { seconds: run.timeoutSeconds, memoryMb: Math.max(run.memoryInMB, 64), fileMb: 64 },
    });
    parts.crashPoint(`function ${run.actionName}:started`);
    await mailbox.functionRun(run.id, { type: 'started', pollAfter: pollEvery }, { settles });
  }

  async function poll(command: Command, run: FunctionRun): Promise<void> {
    const settles = { command: command.id, fence: command.fence };
    const job = await parts.jobs.state(run.id, 0);
    if (job.status === 'running') {
      await mailbox.settle({
        settles: { ...settles, again: { due: parts.moment.now() + pollEvery, body: command.body } },
      });
      return;
    }
    const { secrets, opened } = await openedFor(run);
    const mask = masker([...Object.values(secrets), ...opened]);
    const logs = mask(job.output);
    const result = readResult(await parts.jobs.read(run.id, 'result.json'));
    if (job.status === 'ended' && job.exitCode === 0 && 'outputs' in result) {
      await mailbox.functionRun(
        run.id,
        { type: 'ended', runState: 'COMPLETED', outputs: result.outputs, errorMessage: '', logs },
        { settles },
      );
      return;
    }
    const errorMessage = mask(
      job.stopped ??
        ('error' in result
          ? result.error
          : job.status === 'lost'
            ? 'The process of the function was lost.'
            : `The function ended with ${exitCodeText(job.exitCode ?? 255)}.`),
    );
    await mailbox.functionRun(
      run.id,
      { type: 'ended', runState: 'FAILED', outputs: {}, errorMessage, logs },
      { settles },
    );
  }

  async function cancel(id: string): Promise<FunctionRun | undefined> {
    return mailbox.functionRun(id, { type: 'cancel' });
  }

  async function stop(command: Command, run: FunctionRun): Promise<void> {
    await parts.jobs.cancel(run.id);
    await mailbox.settle({ settles: { command: command.id, fence: command.fence } });
  }

  /** What the function is handed, and all of it that must not be seen in what it prints. */
  async function openedFor(run: FunctionRun) {
    const secrets = await secretsFor(run);
    if (run.opensSecretsOf === undefined) return { secrets, inputs: run.inputs, opened: [] };
    const { value, secrets: opened } = await openSecrets(parts, run.opensSecretsOf, run.inputs);
    return { secrets, inputs: value, opened };
  }

  /** What `context.getSecret` gives: the project's secret variables, for inputs named `secret:NAME`. */
  async function secretsFor(run: FunctionRun): Promise<Record<string, string>> {
    const wanted = Object.keys(run.inputs)
      .filter((name) => /^p?secret:/.test(name))
      .map((name) => name.replace(/^p?secret:/, ''));
    if (wanted.length === 0) return {};
    const { values } = await readVariables(parts, run.project);
    return Object.fromEntries(wanted.flatMap((name) => (name in values ? [[name, values[name]!]] : [])));
  }
}

/** What the runtimes of functions read to learn whom to trust. */
const trustEnvironment = (files: EngineParts['trustFiles']): Record<string, string> =>
  files ? { NODE_EXTRA_CA_CERTS: files.one, SSL_CERT_FILE: files.all, REQUESTS_CA_BUNDLE: files.all } : {};
