import { Command } from 'commander';
import { type Client, openClient } from '../../api/client.ts';
import { MillraceError } from '../../core/error.ts';
import { isObject } from '../../core/json.ts';
import { readSession } from '../session.ts';

export function approvalCommands(): Command[] {
  return (['approve', 'reject'] as const).map((verb) =>
    new Command(verb)
      .description(`${verb === 'approve' ? 'Say yes' : 'Say no'} to a question; the only open one when no id is given.`)
      .argument('[id]', 'id or index of the user operation')
      .option('--comment <text>', 'what to say', '')
      .action(async (id: string | undefined, { comment }: { comment: string }) => {
        const client = openClient(readSession());
        const wanted = id ?? (await onlyOpen(client));
        await client.json('PATCH', `/codestream/api/user-operations/${wanted}`, {
          status: verb === 'approve' ? 'APPROVED' : 'REJECTED',
          responseMessage: comment,
        });
        process.stdout.write(`${verb === 'approve' ? 'Approved' : 'Rejected'}: ${wanted}\n`);
      }),
  );
}

async function onlyOpen(client: Client): Promise<string> {
  const answer = await client.json(
    'GET',
    `/codestream/api/user-operations?${new URLSearchParams({ $filter: "status eq 'ACTIVE'" })}`,
  );
  const open = Object.values(isObject(answer.documents) ? answer.documents : {}).filter(isObject);
  const [only] = open;
  if (open.length === 1 && only) return String(only.id);
  throw new MillraceError('not.found', {
    message: open.length === 0 ? 'No question is open.' : `${open.length} questions are open.`,
    hint:
      open.length === 0
        ? undefined
        : `Name one: ${open.map(({ id, summary }) => `${String(id)} (${String(summary)})`).join(', ')}`,
  });
}
