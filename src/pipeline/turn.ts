import type { Instant } from '../core/instant.ts';
import { evolve } from './evolve.ts';
import type { Execution, ExecutionEvent } from './execution.ts';
import type { ExecutionCommand, Notice } from './messages.ts';
import { notificationsFor } from './notifications.ts';

type Untimed<E> = E extends { at: Instant } ? Omit<E, 'at'> : never;

/** What one message leads to, as far as it has been decided: the state so far, and the events and commands that led there. */
export class Turn {
  state: Execution;
  readonly now: Instant;
  readonly events: ExecutionEvent[] = [];
  readonly commands: ExecutionCommand[] = [];

  constructor(before: Execution | null, now: Instant) {
    this.state = before as Execution;
    this.now = now;
  }

  emit(event: Untimed<ExecutionEvent>): void {
    const full = { ...event, at: this.now } as ExecutionEvent;
    this.state = evolve(this.state, full);
    this.events.push(full);
    const { status, message } = this.state;
    for (const { number, word, key } of notificationsFor(this.state, full))
      this.ask({ do: 'send-notification', number, word, status, message, key, due: this.now });
  }

  ask(command: ExecutionCommand): void {
    this.commands.push(command);
  }

  /** Tells people, where the pipeline wants that. */
  notify(kind: Notice['kind'], where: { stage?: string; task?: string }, status: string, message: string): void {
    const { plan, notices: number } = this.state;
    if (plan.pipeline.millrace.notifications.length === 0) return;
    const notice = { number, kind, ...where, status, message };
    this.ask({ do: 'notify', notice, key: `${plan.execution}/notice/${number}`, due: this.now });
  }

  keyOf(stage: string, task: string, attempt: number): string {
    return `${this.state.plan.execution}/${stage}.${task}/${attempt}`;
  }
}
