/**
 * What a pod has of its service account: bearer tokens, and the volume by which programs in it find the API, as client libraries
 * expect it. Upstream writes that volume into the pod's spec on admission; here the kubelet adds it.
 */
import { isNotFound, serviceAccounts, tokenRequestSchema } from '../api/index.ts';
import type { Container, Pod, ServiceAccount, ServiceAccountTokenProjection, TokenRequest, Volume } from '../api/index.ts';
import type { KubeClient } from '../client/index.ts';
import { messageOf } from '../observe/index.ts';
import { ContainerStartError } from './command-process.ts';

/** Where client libraries look (client-go rest.InClusterConfig). */
export const apiAccessPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Of a container whose pod does not say otherwise; upstream's, an hour and a few seconds. */
const defaultExpirationSeconds = 3607;
/** A token is renewed when this part of its life has passed, as upstream's kubelet does. */
const renewAfter = 0.8;

/** Identity, CA and namespace, for programs that talk to the API. */
const apiAccessVolume: Volume = {
  name: 'kube-api-access',
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: defaultExpirationSeconds } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  },
};

/** Whether programs of the pod get the API's files: the pod decides, else its account, else yes. */
export function mountsApiAccess(pod: Pod, account: ServiceAccount): boolean {
  return pod.spec?.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

/** The container with the API's files, unless it has something there already. */
export function withApiAccess(container: Container): Container {
  const { volumeMounts = [] } = container;
  if (volumeMounts.some(({ mountPath }) => mountPath.replace(/\/+$/, '') === apiAccessPath)) return container;
  return {
    ...container,
    volumeMounts: [...volumeMounts, { name: apiAccessVolume.name, mountPath: apiAccessPath, readOnly: true }],
  };
}

/** How `PodTokens` reaches the API, and the time in milliseconds. */
export interface TokenSource {
  readonly client: Pick<KubeClient, 'get' | 'create'>;
  readonly now?: () => number;
}

interface Token {
  readonly text: string;
  readonly renewAtMs: number;
}

/** One pod's tokens, asked for when a container needs them and renewed in time. */
export class PodTokens {
  readonly #source: TokenSource;
  readonly #tokens = new Map<string, Token>();
  #account: ServiceAccount | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /**
   * The pod's volumes, that of the API's files among them when it is to have them (`hasApiAccess`), and every token in them
   * there and fresh. Throws `ContainerStartError`, upon which a start is tried again, when the service account does not exist or
   * the API gives no token.
   */
  async prepare(pod: Pod): Promise<{ readonly volumes: readonly Volume[]; readonly hasApiAccess: boolean }> {
    try {
      return await this.#prepare(pod);
    } catch (error) {
      if (error instanceof ContainerStartError) throw error;
      throw new ContainerStartError('CreateContainerConfigError', `failed to fetch token: ${messageOf(error)}`, { cause: error });
    }
  }

  async #prepare(pod: Pod): Promise<{ readonly volumes: readonly Volume[]; readonly hasApiAccess: boolean }> {
    const own = pod.spec?.volumes ?? [];
    if (pod.spec?.automountServiceAccountToken === false && projectionsOf(own).length === 0)
      return { volumes: own, hasApiAccess: false };
    this.#account ??= await this.#readAccount(pod);
    const hasApiAccess = mountsApiAccess(pod, this.#account);
    const volumes = hasApiAccess ? [...own, apiAccessVolume] : own;
    for (const projection of projectionsOf(volumes)) await this.#request(pod, projection);
    return { volumes, hasApiAccess };
  }

  /** The token for this projection; undefined before `prepare`. */
  get(projection: ServiceAccountTokenProjection): string | undefined {
    return this.#tokens.get(keyOf(projection))?.text;
  }

  /** Whether one is due to be renewed. */
  get isDue(): boolean {
    return [...this.#tokens.values()].some(({ renewAtMs }) => renewAtMs <= this.#now());
  }

  async #readAccount(pod: Pod): Promise<ServiceAccount> {
    const name = accountOf(pod);
    try {
      return await this.#source.client.get(serviceAccounts, name, { namespace: pod.metadata?.namespace });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new ContainerStartError('CreateContainerConfigError', `serviceaccount "${name}" not found`, { cause: error });
    }
  }

  async #request(pod: Pod, projection: ServiceAccountTokenProjection): Promise<void> {
    const { audience = '', expirationSeconds = defaultExpirationSeconds } = projection;
    const key = keyOf(projection);
    const startMs = this.#now();
    if ((this.#tokens.get(key)?.renewAtMs ?? 0) > startMs) return;
    const { namespace, name = '', uid = '' } = pod.metadata ?? {};
    const answer = await this.#source.client.create(
      tokenRequests,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: { name: accountOf(pod), namespace },
        spec: {
          audiences: audience === '' ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      } satisfies TokenRequest,
      { namespace, subresource: 'token' },
    );
    const text = answer.status?.token ?? '';
    this.#tokens.set(key, { text, renewAtMs: startMs + expirationSeconds * 1000 * renewAfter });
  }

  #now(): number {
    return this.#source.now?.() ?? Date.now();
  }
}

const tokenRequests = { ...serviceAccounts, schema: tokenRequestSchema };

function accountOf({ spec }: Pod): string {
  return spec?.serviceAccountName ?? 'default';
}

function projectionsOf(volumes: readonly Volume[]): ServiceAccountTokenProjection[] {
  return volumes.flatMap(({ projected }) => (projected?.sources ?? []).flatMap((each) => each.serviceAccountToken ?? []));
}

function keyOf({ audience = '', expirationSeconds = defaultExpirationSeconds }: ServiceAccountTokenProjection): string {
  return `${expirationSeconds} ${audience}`;
}
