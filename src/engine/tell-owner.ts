import type { Deployment } from '../blueprint/deployment.ts';
import { isOfOurs, messageOf } from '../core/error.ts';
import { escapeHtml } from '../core/html.ts';
import type { Command } from '../store/store.ts';
import { openEndpoint, readVariables } from './definitions.ts';
import type { EngineParts } from './parts.ts';
import { wayOut } from './relay.ts';
import type { Mailbox } from './transact.ts';

/** A mail that nobody takes is given up after this many tries; what it says stands in the history of the deployment. */
const mostTries = 6;

/** Mails a notice to the owner of a deployment, by the mail server of its project, where both are known. */
export function ownerTeller(parts: EngineParts, mailbox: Mailbox) {
  return async function tellOwner(command: Command, deployment: Deployment): Promise<void> {
    try {
      await send(command, deployment);
    } catch (thrown) {
      if (isOfOurs(thrown) || command.tries < mostTries) throw thrown;
      parts.report('A notice could not be sent and is given up.', {
        deployment: deployment.id,
        error: messageOf(thrown),
      });
    }
    await mailbox.settle({ settles: { command: command.id, fence: command.fence } });
  };

  async function send(command: Command, { name, project, owner = '' }: Deployment): Promise<void> {
    const server = (await parts.store.list('endpoint')).find(
      (one) => one.project === project && one.body.type === 'email',
    );
    const mail = parts.catalogue.notifications.find(({ type }) => type === 'email');
    if (!server || !mail) return;
    const { values } = await readVariables(parts, project);
    const { endpoint } = openEndpoint(parts, server, values);
    const config = {
      ...{ endpoint: server.name, to: [owner], subject: `Deployment ${name}` },
      body: `<p>${escapeHtml(String(command.body.message))}</p>`,
    };
    await mail.send(mail.config.parse(config), {
      ...{ key: command.key, isRepeat: command.tries > 1, endpoint },
      http: (await wayOut(parts, { endpoint })).http,
      addressesOf: parts.people.addressesOf,
    });
  }
}
