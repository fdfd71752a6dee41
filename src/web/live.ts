import { useEffect, useState } from 'react';
import type { Client } from '../api/client.ts';
import { MillraceError, messageOf } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import { evolve } from '../pipeline/evolve.ts';
import type { Execution, ExecutionEvent } from '../pipeline/execution.ts';
import { session } from './session.ts';

export interface Live<T> {
  value: T;
  /** False while the server does not answer; what was missed is caught up with. */
  isConnected: boolean;
  /** Why there is nothing more to come. */
  error: string;
}

/**
 * Follows a stream from its beginning and folds what comes. Events that arrive together are shown together: a page that catches
 * up draws once.
 */
function useStream<T>(client: Client, path: string, first: T, fold: (before: T, data: JsonObject) => T): Live<T> {
  const [live, setLive] = useState<Live<T>>({ value: first, isConnected: true, error: '' });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `first` and `fold` belong to the path
  useEffect(() => {
    const stop = new AbortController();
    let value = first;
    let frame = 0;
    setLive({ value, isConnected: true, error: '' });
    const draw = () => {
      frame = 0;
      setLive((before) => ({ ...before, value }));
    };
    const follow = async () => {
      const connected = (isConnected: boolean) => setLive((before) => ({ ...before, isConnected }));
      for await (const { data } of client.events(path, '0', stop.signal, connected)) {
        value = fold(value, data);
        frame ||= requestAnimationFrame(draw);
      }
    };
    follow().catch((thrown: unknown) => {
      session.heard(thrown);
      setLive((before) => ({ ...before, error: messageOf(thrown) }));
    });
    return () => {
      stop.abort();
      cancelAnimationFrame(frame);
    };
  }, [client, path]);
  return live;
}

/** A run as it is now, folded from its events by what the server folds them with. */
export const useExecution = (client: Client, id: string): Live<Execution | null> =>
  useStream<Execution | null>(client, `/api/events?${new URLSearchParams({ execution: id })}`, null, (before, data) =>
    evolve(before, data as unknown as ExecutionEvent),
  );

/** Longer logs lose their beginning here; the server has all of it. */
const mostLog = 400_000;

export const useLog = (client: Client, id: string, task: string, attempt: number): Live<string> =>
  useStream(
    client,
    `/api/executions/${id}/logs/stream?${new URLSearchParams({ task, attempt: String(attempt) })}`,
    '',
    (before, { text }) => (before + String(text)).slice(-mostLog),
  );

/** Calls `heard` when something has happened to any run, at most twice a second. */
export function useBell(client: Client, heard: () => void): boolean {
  const [isConnected, setConnected] = useState(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `heard` may be another at each drawing
  useEffect(() => {
    const stop = new AbortController();
    let timer: number | undefined;
    const connected = (is: boolean) => {
      setConnected(is);
      if (is) heard();
    };
    const listen = async () => {
      for await (const { event } of client.events('/api/events', undefined, stop.signal, connected))
        if (event === 'execution')
          timer ??= window.setTimeout(() => {
            timer = undefined;
            heard();
          }, 500);
    };
    listen().catch((thrown: unknown) => session.heard(thrown));
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [client]);
  return isConnected;
}

/** The time, again each second while it matters. */
export function useNow(isTicking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isTicking) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [isTicking]);
  return now;
}

export const isGone = (thrown: unknown): boolean => thrown instanceof MillraceError && thrown.status === 404;
