import { Command, CommanderError } from 'commander';
import { MillraceError, messageOf } from '../core/error.ts';
import type { Catalogue } from '../sdk/catalogue.ts';
import { agentCommand } from './commands/agent.ts';
import { approvalCommands } from './commands/approvals.ts';
import { type BackupReport, backupCommands } from './commands/backup.ts';
import { databaseCommands, type MigrateReport, type MoveReport } from './commands/database.ts';
import { definitionCommands } from './commands/definitions.ts';
import { deploymentCommands } from './commands/deployments.ts';
import { executionCommands } from './commands/executions.ts';
import { loginCommand } from './commands/login.ts';
import { migrateCommand } from './commands/migrate.ts';
import { planCommand } from './commands/plan.ts';
import { type DemoOptions, type ServeOptions, serveCommands } from './commands/serve.ts';
import { validateCommand } from './commands/validate.ts';

/** 0 done · 1 the work said no · 2 usage · 3 could not do it · 4 cancelled or rejected. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

/** What commands are handed by the composition root. */
export interface CliParts {
  version: string;
  catalogue: Catalogue;
  serve(options: ServeOptions): Promise<void>;
  demo(options: DemoOptions): Promise<ExitCode>;
  backup(data: string, file: string): Promise<BackupReport>;
  restore(file: string, data: string): Promise<BackupReport>;
  /** Brings the schema of a PostgreSQL to this version, after a backup into `data`; null: without one. */
  migrate(url: string, data: string | null): Promise<MigrateReport>;
  moveToPostgres(data: string, url: string, told: (table: string, rows: number) => void): Promise<MoveReport>;
}

/** Runs one command line and answers its exit code. */
export async function runCli(args: string[], parts: CliParts): Promise<ExitCode> {
  const program = new Command('millrace')
    .description('Continuous deployment for any cloud.')
    .version(parts.version)
    .exitOverride()
    .showHelpAfterError('(millrace COMMAND --help says more)');
  let code: ExitCode = 0;
  const done = (result: ExitCode) => {
    code = result;
  };
  for (const command of commands(parts, done)) program.addCommand(command.exitOverride());
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    const { message, hint } =
      thrown instanceof MillraceError ? thrown : { message: messageOf(thrown), hint: undefined };
    process.stderr.write(`${message}\n${hint ? `  ${hint}\n` : ''}`);
    return exitCodeOf(thrown);
  }
}

/** Every command, in the order in which a newcomer meets them. */
export const commands = (parts: CliParts, done: (code: ExitCode) => void): Command[] => [
  ...serveCommands(parts, done),
  ...backupCommands(parts),
  ...databaseCommands(parts),
  validateCommand(parts, done),
  planCommand(parts, done),
  loginCommand(),
  ...definitionCommands(done),
  ...deploymentCommands(done),
  ...executionCommands(done),
  ...approvalCommands(),
  migrateCommand(done),
  agentCommand(done),
];

function exitCodeOf(thrown: unknown): ExitCode {
  if (!(thrown instanceof MillraceError)) return 3;
  return thrown.code === 'endpoint.unreachable' || thrown.status >= 500 || thrown.code === 'login.needed' ? 3 : 1;
}
