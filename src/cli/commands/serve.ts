import { Command, InvalidArgumentError } from 'commander';
import type { CliParts, ExitCode } from '../program.ts';

export interface ServeOptions {
  data: string;
  host: string;
  port: number;
  url: string | undefined;
  dns: { address: string; port: number } | undefined;
  allowProcessWorkspace: boolean;
  localCloud: boolean;
  tls: boolean;
  tlsCert: string | undefined;
  tlsKey: string | undefined;
}

export interface DemoOptions {
  output: 'text' | 'json';
  keep: boolean;
  ask: boolean;
  kill: boolean;
  killAt: string | undefined;
  seed: string | undefined;
  profile: string;
}

export function serveCommands(parts: CliParts, done: (code: ExitCode) => void): Command[] {
  return [
    new Command('serve')
      .description('Run the server.')
      .option('--data <directory>', 'where everything is kept', process.env.MILLRACE_DATA ?? '.millrace')
      .option('--host <address>', 'address to listen on', '127.0.0.1')
      .option('--port <port>', 'port to listen on; 0 chooses one', readPort, 8787)
      .option('--tls', 'speak HTTPS, with a certificate of its own unless files are given', false)
      .option('--tls-cert <file>', 'certificate, with those that lead to its authority (PEM)')
      .option('--tls-key <file>', 'its key (PEM)')
      .option('--url <url>', 'how people reach it, where that is another address', process.env.MILLRACE_URL)
      .option('--dns <address:port>', 'serve names there (DNS; its API on the next port)', readAddress)
      .option('--allow-process-workspace', 'let CI tasks run as plain processes of this machine', false)
      .option('--no-local-cloud', 'make no machines on this machine')
      .action((options: ServeOptions) => parts.serve(options)),
    new Command('demo')
      .description('A whole release of Tito, three times, on this machine.')
      .option('--profile <profile>', 'how machines are made: process, or container (podman or Docker)', 'process')
      .option('-o, --output <format>', 'text or json', 'text')
      .option('--keep', 'leave server and site up at the end', false)
      .option('--ask', 'let me answer the approval', false)
      .option('--kill', 'kill the server at a random moment of every stage', false)
      .option('--kill-at <points>', 'kill it at these named points instead, divided by |')
      .option('--seed <seed>', 'the same random moments again')
      .action(async (options: DemoOptions) => done(await parts.demo(options))),
  ];
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError(`"${text}" is no port: 0 to 65535.`);
  return port;
}

function readAddress(text: string): { address: string; port: number } {
  const [, address, port] = /^([\d.]+|[a-z.-]+):(\d+)$/i.exec(text) ?? [];
  if (!address || !port)
    throw new InvalidArgumentError(`"${text}" is not of the form address:port, as in 127.0.0.1:5353.`);
  return { address, port: readPort(port) };
}
