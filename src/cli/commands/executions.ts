import { Command } from 'commander';
import { type Client, openClient } from '../../api/client.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject, type JsonObject } from '../../core/json.ts';
import { follow } from '../follow.ts';
import { type OutputFormat, outputOption, print } from '../output.ts';
import type { ExitCode } from '../program.ts';
import { readSession } from '../session.ts';
import { keyValue } from './input.ts';

export function executionCommands(done: (code: ExitCode) => void): Command[] {
  return [
    new Command('run')
      .description('Start a pipeline.')
      .argument('<pipeline>', 'name or id')
      .option('--input <name=value>', 'an input', keyValue, {})
      .option('--comment <text>', 'why', '')
      .option('--priority <number>', 'higher ones come first where runs wait for a turn', Number)
      .option('--follow', 'show it live until it ends', false)
      .addOption(outputOption())
      .action(
        async (
          pipeline: string,
          options: {
            input: Record<string, string>;
            comment: string;
            priority?: number;
            follow: boolean;
            output: OutputFormat;
          },
        ) => {
          const { input, comment, priority, follow: shall, output } = options;
          const client = openClient(readSession());
          const started = await client.json(
            'POST',
            `/codestream/api/pipelines/${await idOf(client, pipeline)}/executions`,
            { input, comments: comment, priority: priority ?? null },
          );
          if (shall) return done(await follow(client, String(started.executionId), output));
          print(
            output,
            started,
            () => `Started ${pipeline} #${String(started.executionIndex)}: ${String(started.executionId)}`,
          );
        },
      ),
    new Command('follow')
      .description('Show a run live until it ends.')
      .argument('<execution>', 'id')
      .addOption(outputOption())
      .action(async (id: string, { output }: { output: OutputFormat }) =>
        done(await follow(openClient(readSession()), id, output)),
      ),
    new Command('logs')
      .description('Print the log of a task.')
      .argument('<execution>', 'id')
      .argument('<task>', 'Stage.Task')
      .action(async (id: string, task: string) => {
        const { text } = await openClient(readSession()).json(
          'GET',
          `/api/executions/${id}/logs?${new URLSearchParams({ task })}`,
        );
        process.stdout.write(String(text ?? ''));
      }),
    ...(
      [
        ['cancel', 'Cancel a run.'],
        ['pause', 'Begin nothing new in a run; what runs is left to end.'],
        ['resume', 'Go on after a pause, or from where a run failed.'],
      ] as const
    ).map(([action, description]) =>
      new Command(action)
        .description(description)
        .argument('<execution>', 'id')
        .option('--reason <text>', 'why', '')
        .action(async (id: string, { reason }: { reason: string }) => {
          const path = `/codestream/api/executions/${id}?action=${action}`;
          const record = await openClient(readSession()).json('POST', path, { reason });
          process.stdout.write(`${String(record.name)} #${String(record.index)}: ${String(record.status)}\n`);
        }),
    ),
    new Command('rerun')
      .description('Run again with the same inputs.')
      .argument('<execution>', 'id')
      .option('--from-failed', 'keep what succeeded, and begin where it failed', false)
      .option('--follow', 'show it live until it ends', false)
      .addOption(outputOption())
      .action(async (id: string, options: { fromFailed: boolean; follow: boolean; output: OutputFormat }) => {
        const { fromFailed, follow: shall, output } = options;
        const client = openClient(readSession());
        const path = `/codestream/api/executions/${id}?action=rerun&fromFailed=${fromFailed}`;
        const started = await client.json('POST', path, {});
        if (shall) return done(await follow(client, String(started.executionId), output));
        print(output, started, () => `Started #${String(started.executionIndex)}: ${String(started.executionId)}`);
      }),
  ];
}

async function idOf(client: Client, pipeline: string): Promise<string> {
  const answer = await client.json('GET', `/codestream/api/pipelines?${new URLSearchParams({ $top: '1000' })}`);
  const found = Object.values(isObject(answer.documents) ? answer.documents : {}).filter(
    (one): one is JsonObject => isObject(one) && (one.name === pipeline || one.id === pipeline),
  );
  if (found.length === 1) return String(found[0]!.id);
  throw new MillraceError('not.found', {
    message:
      found.length === 0
        ? `There is no pipeline ${pipeline}.`
        : `${found.length} projects have a pipeline ${pipeline}.`,
    hint: found.length === 0 ? 'See: millrace list pipelines' : 'Name it by its id.',
  });
}
