import { maskDeep, masker } from '../core/secret.ts';
import type { Execution } from '../pipeline/execution.ts';
import { lookupIn } from '../pipeline/scope.ts';
import { isSealed } from '../store/seal.ts';
import type { Document } from '../store/store.ts';
import { readVariables } from './definitions.ts';
import type { EngineParts } from './parts.ts';

/** What bindings of a run stand for, secrets opened, and a mask that hides each of them; `secrets` may be added to. */
export async function openScope(parts: EngineParts, execution: Execution, read?: Document[]) {
  const variables = await readVariables(parts, execution.plan.project, read);
  const secrets = new Set(variables.secrets);
  const opened = openInputs(parts, execution, (secret) => secrets.add(secret));
  const lookup = lookupIn(opened, variables.values, `${parts.url()}/executions/${execution.plan.execution}`);
  return { variables, secrets, lookup, mask: (text: string) => masker(secrets)(text) };
}

/** The run with the secret ones of its inputs opened; `tell` hears each of them. */
function openInputs(parts: EngineParts, execution: Execution, tell: (secret: string) => void): Execution {
  const open = (text: string): string => {
    if (!isSealed(text)) return text;
    const secret = parts.seal.open(text);
    tell(secret);
    return secret;
  };
  return { ...execution, plan: { ...execution.plan, input: maskDeep(execution.plan.input, open) } };
}
