import { FakeApiServer } from '../client/fake-api-server.ts';
import { createClient } from '../client/index.ts';
import { silentLogger } from '../observe/index.ts';
import type { TestApi } from './workload-cluster.case.test.ts';
import { describeWorkloads } from './workloads.case.test.ts';

describeWorkloads('workloads on the fake API server', async (): Promise<TestApi> => {
  const server = new FakeApiServer();
  const client = createClient({ server: await server.start() }, { logger: silentLogger });
  return {
    client,
    list: (resource) => server.list(resource),
    get: (resource, key) => server.get(resource, key),
    close: async () => {
      client.close();
      await server.stop();
    },
  };
});
