/** The workload controllers against the embedded API server, over TLS. */
import type { Resource } from '../../src/api/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import { createClient, parseKubeconfig } from '../../src/client/index.ts';
import type { TestApi } from '../../src/controllers/workload-cluster.case.test.ts';
import { describeWorkloads } from '../../src/controllers/workloads.case.test.ts';
import { silentLogger } from '../../src/observe/index.ts';

describeWorkloads('workloads on the embedded API server', async (): Promise<TestApi> => {
  const server = await startApiServer({ port: 0 }, { logger: silentLogger });
  const client = createClient(parseKubeconfig(server.kubeconfigText), { logger: silentLogger });
  return {
    client,
    list: <T>(resource: Resource<T>) =>
      server.store.list(`${resource.group}/${resource.plural}/`).items.map(({ object }) => object as T),
    get: <T>(resource: Resource<T>, key: string) => {
      const path = key.includes('/') ? key : `/${key}`;
      return server.store.get(`${resource.group}/${resource.plural}/${path}`)?.object as T | undefined;
    },
    close: async () => {
      client.close();
      await server.close();
    },
  };
});
