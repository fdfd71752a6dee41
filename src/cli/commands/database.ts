import { Command } from 'commander';
import { databaseAddress } from '../../core/database-address.ts';
import { MillraceError } from '../../core/error.ts';
import { type OutputFormat, outputOption, print } from '../output.ts';
import type { CliParts } from '../program.ts';

export interface MigrateReport {
  from: number;
  to: number;
  /** Where the copy is that was taken before; null: there was nothing to copy, or nobody wanted it. */
  backup: string | null;
}

export interface MoveReport {
  rows: Record<string, number>;
  file: string;
}

interface MigrateOptions {
  data: string;
  backup: boolean;
  output: OutputFormat;
}

/** What is done to a database that servers share; its address comes from DATABASE_URL. */
export function databaseCommands(parts: CliParts): Command[] {
  const data = (command: Command) =>
    command.option('--data <directory>', 'where the server keeps everything', process.env.MILLRACE_DATA ?? '.millrace');
  const db = new Command('db').description('Look after the PostgreSQL that DATABASE_URL names.');
  db.addCommand(
    data(new Command('migrate'))
      .description('Make or upgrade the tables, after a backup; servers of the version before go on beside it.')
      .option('--no-backup', 'take no backup first')
      .addOption(outputOption())
      .action(async (options: MigrateOptions) => {
        const report = await parts.migrate(addressNeeded(), options.backup ? options.data : null);
        print(options.output, { ...report }, () =>
          report.from === report.to
            ? `Nothing to do: the schema is ${report.to}.`
            : `The schema is ${report.to}; it was ${report.from}.${report.backup ? `\nWhat was there before is in ${report.backup}.` : ''}`,
        );
      }),
  );
  db.addCommand(
    data(new Command('move'))
      .description('Move all that a SQLite file holds into an empty PostgreSQL; no server may run.')
      .addOption(outputOption())
      .action(async (options: { data: string; output: OutputFormat }) => {
        const report = await parts.moveToPostgres(options.data, addressNeeded(), (table, rows) => {
          if (options.output === 'text') process.stderr.write(`  ${table.padEnd(12)} ${rows}\n`);
        });
        print(
          options.output,
          { ...report },
          () => `Moved. The file is ${report.file} now; start the servers with DATABASE_URL.`,
        );
      }),
  );
  return [db];
}

function addressNeeded(): string {
  const url = databaseAddress(process.env);
  if (url) return url;
  throw new MillraceError('request.invalid', {
    message: 'DATABASE_URL names no database.',
    hint: 'Set it, as in DATABASE_URL=postgres://user@host/millrace. A SQLite file is upgraded by the server that opens it.',
  });
}
