import { Command } from 'commander';
import { type OutputFormat, outputOption, print } from '../output.ts';
import type { CliParts } from '../program.ts';

/** What a backup holds. */
export interface BackupReport {
  file: string;
  bytes: number;
  executions: number;
  deployments: number;
  definitions: number;
  /** Where the database that was there before a restore is kept. */
  kept: string | null;
  keyFile: string;
}

export function backupCommands(parts: CliParts): Command[] {
  const data = (command: Command) =>
    command.option('--data <directory>', 'where the server keeps everything', process.env.MILLRACE_DATA ?? '.millrace');
  return [
    data(new Command('backup'))
      .description('Copy the database to a file while the server goes on; the key of its secrets is not in it.')
      .argument('<file>', 'file to write')
      .addOption(outputOption())
      .action(async (file: string, options: { data: string; output: OutputFormat }) => {
        const report = await parts.backup(options.data, file);
        print(
          options.output,
          { ...report },
          () =>
            `Written: ${file}, ${holds(report)}.\nKeep ${report.keyFile} apart from it: without that key its secrets cannot be read.`,
        );
      }),
    data(new Command('restore'))
      .description('Put a backup in the place of the database of a server that does not run.')
      .argument('<file>', 'file that `backup` has written')
      .addOption(outputOption())
      .action(async (file: string, options: { data: string; output: OutputFormat }) => {
        const report = await parts.restore(file, options.data);
        print(
          options.output,
          { ...report },
          () =>
            `Restored: ${holds(report)}.${report.kept ? `\nWhat was there before is ${report.kept}.` : ''}\nIts secrets need the key that they were sealed with, in ${report.keyFile}.`,
        );
      }),
  ];
}

const holds = ({ bytes, executions, deployments, definitions }: BackupReport): string =>
  `${Math.ceil(bytes / 1024)} kB with ${executions} executions, ${deployments} deployments and ${definitions} definitions`;
