/** Two Nodes that claim one prefix for their pods: the older keeps it over a restart, whatever their names. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodes } from '../../src/api/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import { createClient } from '../../src/client/index.ts';
import { startCluster } from '../../src/cluster/index.ts';
import { openNetlink, RouteSocket } from '../../src/linux/index.ts';
import { createLogger } from '../../src/observe/index.ts';
import { sleep } from './cluster-harness.ts';
import { isInside } from './linux-harness.ts';

const podCIDR = '10.244.77.0/24';

if (isInside(import.meta.url)) {
  test('a Node that is older than its rival has the prefix, and the start says why the other has no machine', async () => {
    const own = new RouteSocket(openNetlink('route'));
    own.setUp('lo');
    own.close();
    const logger = createLogger('silent');
    const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-nodes-'));
    try {
      const api = await startApiServer({ port: 0, dataDir }, { logger });
      const client = createClient({ server: api.url, caData: api.caPem, token: api.token }, { logger });
      for (const name of ['zeta', 'alpha']) {
        const spec = { podCIDR, podCIDRs: [podCIDR] };
        await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec });
        // creation is told in whole seconds
        await sleep(1100);
      }
      client.close();
      await api.close();
      const cluster = await startCluster({ nodes: 1, apiPort: 0, dataDirectory: dataDir }, { logger });
      try {
        assert.deepEqual([...cluster.machines.keys()].toSorted(), ['node-1', 'zeta']);
        const missing = await cluster.settled({ timeoutMs: 100 });
        assert.deepEqual(missing, [`node alpha (node alpha cannot have ${podCIDR} for its pods: zeta has addresses of it)`]);
      } finally {
        await cluster.close();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
}
