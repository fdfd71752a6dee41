import { connect } from 'node:net';
import type { JobSpec, JobState } from '../sdk/powers.ts';
import { onLines } from './lines.ts';

/** What a runner may be asked; each is answered by the state of the job. */
export type RunnerQuestion =
  | { what: 'start'; name: string; spec: JobSpec; patience: number }
  | { what: 'state'; name: string; from: number }
  | { what: 'cancel'; name: string };

/** A question and its answer are a line each; answers come in any order. */
export type Asked = RunnerQuestion & { id: number };
export type Answered = { id: number; state: JobState } | { id: number; refused: string };

/** Where a runner listens. */
export interface RunnerAddress {
  port: number;
  token: string;
}

export interface RunnerLine {
  /** @throws Error with the code of the connection where it is cut before the answer, and without one where the runner refuses */
  ask(question: RunnerQuestion): Promise<JobState>;
  isOpen(): boolean;
}

interface Waiting {
  resolve(state: JobState): void;
  reject(reason: Error): void;
  timer: NodeJS.Timeout;
}

const patience = 10_000;

/** One connection for all questions. It keeps no process alive that waits for no answer. */
export function openRunnerLine({ port, token }: RunnerAddress): RunnerLine {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const waiting = new Map<number, Waiting>();
  let asked = 0;
  let cut: NodeJS.ErrnoException | undefined;
  socket.write(`${token}\n`);
  socket.on('error', (error) => {
    cut ??= error;
  });
  socket.on('close', () => {
    cut ??= Object.assign(new Error('The runner closed the connection.'), { code: 'ECONNRESET' });
    for (const id of [...waiting.keys()]) settle(id)?.reject(cut);
  });
  onLines(socket, (line) => {
    const answer = JSON.parse(line) as Answered;
    const question = settle(answer.id);
    if ('state' in answer) question?.resolve(answer.state);
    else question?.reject(new Error(`The runner refused a job: ${answer.refused}`));
  });

  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (cut) return reject(cut);
        const id = asked++;
        const timer = setTimeout(
          () => settle(id)?.reject(new Error(`The runner did not answer within ${patience / 1000} s.`)),
          patience,
        );
        waiting.set(id, { resolve, reject, timer });
        socket.ref();
        socket.write(`${JSON.stringify({ ...question, id } satisfies Asked)}\n`);
      }),
    isOpen: () => cut === undefined,
  };

  function settle(id: number): Waiting | undefined {
    const found = waiting.get(id);
    clearTimeout(found?.timer);
    waiting.delete(id);
    if (waiting.size === 0) socket.unref();
    return found;
  }
}
