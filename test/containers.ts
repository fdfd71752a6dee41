import Docker from 'dockerode';

/** Where the engine of the tests listens: `npm run test:containers` starts it. */
export const testEngine = process.env.MILLRACE_TEST_ENGINE ?? '';
export const withoutEngine: string | false = testEngine ? false : 'needs podman: npm run test:containers';

export const docker = () => new Docker({ socketPath: testEngine.replace('unix://', '') });
/** What a server has made, by the directory of its containers. */
export const containersOf = (directory: string) =>
  docker().listContainers({ all: true, filters: { label: [`io.millrace.site=${directory}`] } });

export async function removeAll(directory: string): Promise<void> {
  if (!testEngine) return;
  for (const { Id } of await containersOf(directory)) await docker().getContainer(Id).remove({ force: true, v: true });
  for (const { Id } of await imagesOf(directory)) await docker().getImage(Id).remove({ force: true });
}

/** What was kept of its machines. */
export const imagesOf = (directory: string) =>
  docker().listImages({ filters: { label: [`io.millrace.site=${directory}`] } });
