import assert from 'node:assert/strict';
import { z } from 'zod';
import { answerOf } from '../src/api/answers.ts';
import { codestreamPrefixes } from '../src/api/operation.ts';
import { operations } from '../src/api/operations.ts';

const parameters = (path: string): number => path.split('{').length;
/** Those with fewer parts that vary come first, as a server looks for them. */
const routes = [...operations]
  .sort((a, b) => parameters(a.path) - parameters(b.path))
  .flatMap((operation) =>
    codestreamPrefixes.map((prefix) => ({
      method: operation.method,
      form: new RegExp(`^${operation.path.replace('{cs}', prefix).replace(/\{\w+\}/g, '[^/]+')}$`),
      operation,
    })),
  );

/** Every answer that some test gets is held against what the API says of it. */
export function mustFit(method: string, path: string, body: unknown): void {
  const address = path.split('?')[0]!;
  const route = routes.find((one) => one.method === method && one.form.test(address));
  const fault = route && answerOf(route.operation)?.safeParse(body).error;
  if (fault) assert.fail(`${method} ${address} answered what it should not: ${z.prettifyError(fault)}`);
}
