/** The node's proxy is stopped before it has started. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serviceCidrs } from '../../src/api/index.ts';
import { Agent, dumpStructure } from '../../src/agent/index.ts';
import { Nftables } from '../../src/linux/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { AgentLab } from './agent-lab.ts';
import { isInside } from './linux-harness.ts';
import { MemoryInformer } from './memory-informer.ts';

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  before(async () => {
    lab = await AgentLab.start();
  });
  after(() => lab.stop());

  test('an agent that is stopped while it waits for its objects programs nothing afterwards', async () => {
    const nftables = new Nftables(await lab.thread.openNetlink(lab.place('outside').namespace, 'netfilter'));
    const gate = Promise.withResolvers<void>();
    const cidrs = new MemoryInformer(serviceCidrs);
    const unsubscribed = cidrs.subscribe.bind(cidrs);
    let subscriptions = 0;
    const waiting = Object.assign(cidrs, {
      synced: () => gate.promise,
      subscribe: (...args: Parameters<typeof unsubscribed>) => {
        subscriptions++;
        return unsubscribed(...args);
      },
    });
    const agent = new Agent(
      {
        nodeName: 'n1',
        families: ['IPv4'],
        informers: { services: lab.services, endpointSlices: lab.slices, nodes: lab.nodes, serviceCidrs: waiting },
        nftables,
        listen: lab.listenOn('outside'),
      },
      { logger: silentLogger },
    );
    const started = agent.start();
    await new Promise((resolve) => setImmediate(resolve));
    await agent.stop();
    gate.resolve();
    await started;
    assert.equal(dumpStructure(nftables, 'IPv4'), undefined);
    assert.equal(subscriptions, 0);
    nftables.close();
  });
}
