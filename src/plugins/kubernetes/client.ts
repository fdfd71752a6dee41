import type { KubernetesObject, RequestContext, ResponseContext, V1APIResourceList } from '@kubernetes/client-node';
import { MillraceError, messageOf } from '../../core/error.ts';
import { isObject, type Json, type JsonObject, parseJson } from '../../core/json.ts';
import type { Endpoint, Http, Trust } from '../../sdk/powers.ts';
import { authorization, baseUrl } from '../far-side.ts';

/** An object of a cluster, named as it is addressed. */
export interface Reference {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
}

/** What went wrong at the cluster: `status` is 404 where there is nothing, 409 where there is something already. */
export class KubernetesRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const fieldOwner = 'millrace';
/** Names the task that made or rolled back an object: what has it was done already. */
export const keyAnnotation = 'millrace.io/key';

/**
 * A cluster, by its official client over our own HTTP: our timeouts, certificates and fences hold for it as for everything. The
 * client is loaded when a cluster is first spoken to. Objects go out as they were written: the client would leave out the fields
 * that it does not know.
 */
export function openKubernetes(endpoint: Endpoint, http: Http) {
  const loaded = import('@kubernetes/client-node').then((library) => open(library, endpoint, http));

  return {
    async version(): Promise<{ gitVersion: string }> {
      const answer = await send(endpoint, http, 'GET', `${baseUrl(endpoint, 'kubernetesURL')}/version`);
      // Whoever may see the version may be anybody; this asks who we are.
      await send(endpoint, http, 'GET', `${baseUrl(endpoint, 'kubernetesURL')}/api`);
      return { gitVersion: isObject(answer) ? String(answer.gitVersion ?? '') : '' };
    },
    /** @throws KubernetesRefusal, status 404 where it is not there. */
    read: (what: Reference) => attempt(async () => plain(await (await loaded).api.read(headerOf(what)))),
    create: (object: JsonObject) =>
      attempt(async () => {
        const { sending } = await loaded;
        return plain(await sending(object).create(written(object), undefined, undefined, fieldOwner));
      }),
    /** Server-side apply: what we say is so, and what others say beside it stays. */
    apply: (object: JsonObject) =>
      attempt(async () => {
        const { sending, library } = await loaded;
        const how = library.PatchStrategy.ServerSideApply;
        return plain(await sending(object).patch(written(object), undefined, undefined, fieldOwner, true, how));
      }),
    remove: (what: Reference) =>
      attempt(async () => {
        await (await loaded).api.delete(headerOf(what), undefined, undefined, undefined, undefined, 'Foreground');
      }),
    list: (apiVersion: string, kind: string, namespace: string | undefined, labels?: string) =>
      attempt(async () => {
        const { api } = await loaded;
        const none = undefined;
        const { items } = await api.list(apiVersion, kind, namespace, none, none, none, none, labels);
        return items.map(plain);
      }),
    patch: (object: JsonObject) =>
      attempt(async () => {
        const { sending, library } = await loaded;
        const how = library.PatchStrategy.StrategicMergePatch;
        return plain(await sending(object).patch(written(object), undefined, undefined, fieldOwner, undefined, how));
      }),
    /** The word for several of a kind, as addresses and outputs have it. @throws KubernetesRefusal where the cluster has none. */
    plural: ({ apiVersion, kind }: Pick<Reference, 'apiVersion' | 'kind'>) =>
      attempt(async () => (await loaded).api.pluralOf(apiVersion, kind)),
  };
}

export type Kubernetes = ReturnType<typeof openKubernetes>;

type Library = typeof import('@kubernetes/client-node');

function open(library: Library, endpoint: Endpoint, http: Http) {
  const { KubernetesObjectApi, ServerConfiguration, createConfiguration, wrapHttpLibrary, ResponseContext } = library;
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(baseUrl(endpoint, 'kubernetesURL'), {}),
    httpApi: wrapHttpLibrary({
      async send(request: RequestContext): Promise<ResponseContext> {
        const answer = await http({
          method: request.getHttpMethod(),
          url: request.getUrl(),
          headers: { ...request.getHeaders(), ...authorization(endpoint) },
          body: request.getBody() as string | undefined,
          tls: trustIn(endpoint),
        });
        const bytes = Buffer.from(answer.body);
        return new ResponseContext(answer.status, answer.headers, {
          text: async () => answer.body,
          binary: async () => bytes,
          stream: () => null,
        });
      },
    }),
  });
  const known: Record<string, V1APIResourceList> = {};
  class ObjectApi extends KubernetesObjectApi {
    /** What kinds the cluster has, asked for once. */
    protected override apiVersionResourceCache = known;

    async pluralOf(apiVersion: string, kind: string): Promise<string> {
      const resource = await this.resource(apiVersion, kind);
      if (resource) return resource.name;
      throw new KubernetesRefusal(404, `the cluster has no ${kind} in ${apiVersion}`);
    }
  }
  const api = new ObjectApi(configuration);
  /** A client that sends this object, whatever it makes of it. */
  const sending = (object: JsonObject) =>
    new ObjectApi(
      createConfiguration({
        baseServer: configuration.baseServer,
        httpApi: configuration.httpApi,
        promiseMiddleware: [
          {
            async pre(request) {
              if (request.getHttpMethod() !== 'GET') request.setBody(JSON.stringify(object));
              return request;
            },
            post: async (response) => response,
          },
        ],
      }),
    );
  return { library, api, sending };
}

async function send(endpoint: Endpoint, http: Http, method: string, url: string): Promise<Json | undefined> {
  const answer = await http({ method, url, headers: authorization(endpoint), tls: trustIn(endpoint) });
  if (answer.status < 400) return parseJson(answer.body);
  const told = parseJson(answer.body);
  const said = isObject(told) ? String(told.message ?? '') : '';
  throw new MillraceError('endpoint.refused', {
    message: `Endpoint ${endpoint.name}: ${new URL(url).pathname} answered ${answer.status}${said ? `: ${said}` : ''}.`,
  });
}

/** @throws KubernetesRefusal with the words of the cluster; what our HTTP throws goes through. */
async function attempt<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    if (thrown instanceof MillraceError || thrown instanceof KubernetesRefusal) throw thrown;
    const { code, body } = thrown as { code?: number; body?: unknown };
    const told = typeof body === 'string' ? parseJson(body) : (body as Json | undefined);
    const said = isObject(told) && typeof told.message === 'string' ? told.message : messageOf(thrown).split('\n')[0]!;
    throw new KubernetesRefusal(Number(code ?? 0), said.replace(/\.$/, ''));
  }
}

const headerOf = ({ apiVersion, kind, name, namespace }: Reference) => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}) },
});

/** A copy: the client writes into what it is given. */
const written = (object: JsonObject) => structuredClone(object) as unknown as KubernetesObject;
const plain = (object: unknown): JsonObject => JSON.parse(JSON.stringify(object)) as JsonObject;

/** Endpoints hold certificates as PEM, or as that in base64, which is how kubeconfig files have them. */
export function trustIn({ properties }: Endpoint): Trust {
  const pem = (text: string | undefined) =>
    !text || text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
  return {
    ca: pem(properties.certAuthorityData),
    cert: pem(properties.certData),
    key: pem(properties.certKeyData),
    fingerprint: properties.fingerprint,
  };
}
