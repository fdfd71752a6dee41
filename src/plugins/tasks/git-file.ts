import { MillraceError } from '../../core/error.ts';
import type { Endpoint, JobSpec } from '../../sdk/powers.ts';

/** Where a job that fetches a file of a repository leaves it, in its own directory. */
export const fetchedFile = 'fetched';

/** Token logins need a user name, and each service has its own for it. */
const tokenUsers: [RegExp, string][] = [
  [/gitlab/i, 'oauth2'],
  [/bitbucket/i, 'x-token-auth'],
];

/**
 * A job that fetches one file of a repository and nothing else: no checkout, so neither links nor hooks of the repository matter.
 * What the endpoint knows to log in with goes by the environment. `ref` is a branch, a tag or a whole commit id; the endpoint's
 * branch where it is empty. Exit code 3: the repository does not have the file.
 *
 * @throws MillraceError request.invalid where the endpoint has no address that can be fetched from.
 */
export function fetchFile(
  endpoint: Endpoint,
  path: string,
  ref: string,
  directory: string,
): Pick<JobSpec, 'run' | 'environment' | 'directory' | 'limits'> {
  const { address, login } = addressOf(endpoint);
  return {
    run: { command: ['/bin/sh', '-c', script] },
    environment: {
      ...login,
      URL: address.href,
      REF: ref || endpoint.properties.branch || 'HEAD',
      FILE: path.replace(/^(\.?\/)+/, ''),
    },
    directory,
    limits: { seconds: 300, memoryMb: 1024, fileMb: 2048 },
  };
}

const script = `
command -v git >/dev/null || { echo 'git is not installed on the machine of the server.'; exit 2; }
set -e
git init -q --bare repository
cd repository
git fetch -q --depth 1 --no-tags -- "$URL" "$REF"
git cat-file blob "FETCH_HEAD:$FILE" >../${fetchedFile} 2>/dev/null || exit 3
`;

/**
 * A piece of shell that leaves the files of a repository in `tree`, as they are at `ref`, and the environment that it needs. Links
 * and hooks of the repository do not matter: the files come as an archive.
 * @throws MillraceError request.invalid where the endpoint has no address that can be fetched from.
 */
export function fetchTree(endpoint: Endpoint, ref: string): Pick<JobSpec, 'environment'> & { script: string } {
  const { address, login } = addressOf(endpoint);
  return {
    environment: {
      ...login,
      REPOSITORY_URL: address.href,
      REPOSITORY_REF: ref || endpoint.properties.branch || 'HEAD',
    },
    script: [
      "command -v git >/dev/null || { echo 'git is not installed on the machine of the server.'; exit 2; }",
      'git init -q --bare repository',
      'git --git-dir repository fetch -q --depth 1 --no-tags -- "$REPOSITORY_URL" "$REPOSITORY_REF"',
      'mkdir -p tree',
      'git --git-dir repository archive FETCH_HEAD | tar -x -C tree',
    ].join('\n'),
  };
}

/** Where to fetch from, and what git needs in its environment to log in there. */
function addressOf({ name, properties }: Endpoint): { address: URL; login: Record<string, string> } {
  const address = URL.canParse(properties.repoURL ?? '') ? new URL(properties.repoURL!) : undefined;
  if (!address || !/^https?:$/.test(address.protocol)) {
    throw new MillraceError('request.invalid', {
      message: `Endpoint ${name}: files cannot be fetched from its \`repoURL\`${address ? `, which begins with ${address.protocol}` : ''}.`,
      hint: 'An address that begins with https:// is needed.',
    });
  }
  const user = properties.userName || properties.username || decodeURIComponent(address.username);
  const secret = properties.privateToken || properties.password || decodeURIComponent(address.password);
  address.username = '';
  address.password = '';
  const named = user || tokenUsers.find(([service]) => service.test(properties.serverType ?? ''))?.[1];
  const header = `Authorization: Basic ${Buffer.from(`${named ?? 'x-access-token'}:${secret}`).toString('base64')}`;
  return {
    address,
    login: {
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: 'http:https',
      ...(secret
        ? {
            GIT_CONFIG_COUNT: '1',
            GIT_CONFIG_KEY_0: `http.${address.origin}/.extraHeader`,
            GIT_CONFIG_VALUE_0: header,
          }
        : {}),
    },
  };
}
