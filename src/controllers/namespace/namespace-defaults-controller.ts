/** Puts into every namespace what pods and clients expect there: the `default` ServiceAccount and, if given, the cluster's CA. */
import { configMaps, isAlreadyExists, isForbidden, isNotFound, namespaces, serviceAccounts } from '../../api/index.ts';
import type { Resource } from '../../api/index.ts';
import { WorkQueue } from '../../client/index.ts';
import type { KubeObject } from '../../client/index.ts';
import { createController } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';

const rootCaName = 'kube-root-ca.crt';

export interface NamespaceDefaultsOptions {
  /** Certificates of the API server's CA, PEM, published as the ConfigMap kube-root-ca.crt of every namespace. */
  readonly rootCaPem?: string | undefined;
}

/** Runs until `stop`. What is deleted comes back; what is changed in kube-root-ca.crt is put right. */
export function startNamespaceDefaultsController(
  { client, informers, logger }: ControllerContext,
  { rootCaPem }: NamespaceDefaultsOptions,
): Controller {
  const informer = informers.of(namespaces);
  const accountInformer = informers.of(serviceAccounts);
  const mapInformer = informers.of(configMaps);
  const queue = new WorkQueue({ name: 'namespace-defaults', process: sync }, { logger });
  const addNamespaceOf = (object: KubeObject): void => {
    const { name, namespace } = object.metadata ?? {};
    if (namespace !== undefined && (name === 'default' || name === rootCaName)) queue.add(namespace);
  };
  const subscriptions = [
    informer.subscribe({ added: (namespace) => queue.add(namespace.metadata?.name ?? '') }),
    accountInformer.subscribe({ deleted: addNamespaceOf }),
    mapInformer.subscribe({ updated: (_before, after) => addNamespaceOf(after), deleted: addNamespaceOf }),
  ];

  async function sync(name: string): Promise<void> {
    await Promise.all([informer.synced(), accountInformer.synced(), mapInformer.synced()]);
    const namespace = informer.get(name);
    if (namespace === undefined || namespace.metadata?.deletionTimestamp !== undefined) return;
    if (accountInformer.get(`${name}/default`) === undefined)
      await create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: name, name: 'default' } });
    if (rootCaPem === undefined) return;
    const known = mapInformer.get(`${name}/${rootCaName}`);
    const data = { 'ca.crt': rootCaPem };
    if (known === undefined)
      await create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: name, name: rootCaName }, data });
    else if (known.data?.['ca.crt'] !== rootCaPem)
      await client.patch(configMaps, rootCaName, 'merge', { data }, { namespace: name });
  }

  async function create<T>(resource: Resource<T>, object: T): Promise<void> {
    try {
      await client.create(resource, object);
    } catch (error) {
      // Somebody was faster, or the namespace is on its way out.
      if (!isAlreadyExists(error) && !isForbidden(error) && !isNotFound(error)) throw error;
    }
  }

  return createController(queue, subscriptions);
}
