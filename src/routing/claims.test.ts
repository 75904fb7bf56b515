/** Two Services that want one frontend: who has it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { settleClaims } from './claims.ts';
import { decideOn, fullService, onlyPort, service } from './fixtures.ts';
import type { EndpointText } from './fixtures.ts';

const here: EndpointText = { ip: '10.244.1.1', node: 'n1' };

describe('claims', () => {
  const claiming = (name: string, createdAt: string, spec: object) =>
    decideOn({
      service: service(
        { externalIPs: ['192.0.2.1'], ...spec },
        { metadata: { name, namespace: 'ns', creationTimestamp: createdAt } },
      ),
      slices: [],
    });

  it('of two Services with one external IP and port the oldest has it, and the other says so', () => {
    const young = claiming('a', '2026-02-01T00:00:00Z', { clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'] });
    const old = claiming('b', '2026-01-01T00:00:00Z', {});
    for (const order of [
      [young, old],
      [old, young],
    ]) {
      const settled = settleClaims(order);
      const of = (name: string) => settled.find((decision) => decision.name === name)?.ports[0];
      assert.deepEqual(
        of('b')?.frontends.map(({ kind }) => kind),
        ['clusterIP', 'externalIP'],
      );
      assert.deepEqual(
        of('a')?.frontends.map(({ kind }) => kind),
        ['clusterIP'],
      );
      assert.deepEqual(
        of('a')?.leftOut.map(({ address, reason }) => [address, reason]),
        [['192.0.2.1', { code: 'claimed', by: 'ns/b' }]],
      );
    }
  });

  it('an external IP never takes the cluster IP of another Service, however old it is', () => {
    const thief = claiming('thief', '2020-01-01T00:00:00Z', {
      clusterIP: '10.96.0.2',
      clusterIPs: ['10.96.0.2'],
      externalIPs: ['10.96.0.1'],
    });
    const owner = claiming('owner', '2026-01-01T00:00:00Z', { externalIPs: [] });
    const [first, second] = settleClaims([thief, owner]);
    assert.deepEqual(
      first?.ports[0]?.leftOut.map(({ reason }) => reason),
      [{ code: 'claimed', by: 'ns/owner' }],
    );
    assert.equal(second?.ports[0]?.frontends.length, 1);
  });

  it('one address given twice in one Service counts once', () => {
    const decision = decideOn({ service: fullService({ externalIPs: ['1.2.3.4'] }), endpoints: [here] });
    assert.deepEqual(
      onlyPort(decision).leftOut.map(({ kind, reason }) => [kind, reason]),
      [['externalIP', { code: 'duplicate', of: 'loadBalancerIP' }]],
    );
  });
});
