/**
 * Every kind of frontend × policy × client × state of the endpoints, with packets: who answers, and which source it saw. Both families.
 * The letters and numbers are those of the routing tables (src/routing/packet-flows.test.ts).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AgentLab, podAddress } from './agent-lab.ts';
import { isInside } from './linux-harness.ts';

/**
 * What a client hears: who may answer, then the source that they see (`own`: the client's; `node`: this node's), or the failure. Where
 * the endpoint is the client itself it always sees the node.
 */
type Outcome = `${string} ${'own' | 'node'}` | 'refused' | 'timeout';

interface Case {
  readonly name: string;
  readonly policies: { readonly internalTrafficPolicy?: 'Local'; readonly externalTrafficPolicy?: 'Local' };
  readonly pods: readonly string[];
  /** At the cluster IP. */
  readonly internal: Readonly<Record<Client, Outcome>>;
  /** At the external IP, the load-balancer address and the node port. */
  readonly external: Readonly<Record<Client, Outcome>>;
}

/** A pod of the node, one that is an endpoint, a process of the node, and the outside. */
type Client = 'a3' | 'a1' | 'n1' | 'outside';

const same = <T extends Outcome>(outcome: T): Record<Client, T> => ({ a3: outcome, a1: outcome, n1: outcome, outside: outcome });
const hidden = (who: string): Record<Client, Outcome> => ({ ...same(`${who} node`), a3: `${who} own`, a1: `${who} own` });
const hiddenAll = (who: string): Record<Client, Outcome> => same(`${who} node`);
/** Under externalTrafficPolicy Local: the inside reaches all, the outside only those here, with its own address. */
const local = (all: string, here: string): Record<Client, Outcome> => ({
  a3: `${all} own`,
  a1: `${all} own`,
  n1: `${all} node`,
  outside: here === '' ? 'timeout' : `${here} own`,
});
const bothLocal = { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' } as const;
const externalLocal = { externalTrafficPolicy: 'Local' } as const;

const cases: readonly Case[] = [
  {
    name: 'D2, D3, D10, D38: both policies Cluster',
    policies: {},
    pods: ['a1', 'b1'],
    internal: hidden('a1,b1'),
    external: hiddenAll('a1,b1'),
  },
  {
    name: 'D8, D9: externalTrafficPolicy Local',
    policies: externalLocal,
    pods: ['a1', 'b1'],
    internal: hidden('a1,b1'),
    external: local('a1,b1', 'a1'),
  },
  {
    name: 'D11, D12: internalTrafficPolicy Local changes the cluster IP alone',
    policies: { internalTrafficPolicy: 'Local' },
    pods: ['a1', 'b1'],
    internal: hidden('a1'),
    external: hiddenAll('a1,b1'),
  },
  {
    name: 'both policies Local',
    policies: bothLocal,
    pods: ['a1', 'b1'],
    internal: hidden('a1'),
    external: local('a1,b1', 'a1'),
  },
  {
    name: 'D39: both policies Local, endpoints elsewhere only',
    policies: bothLocal,
    pods: ['b1'],
    internal: same('timeout'),
    external: local('b1', ''),
  },
  { name: 'D1: without endpoints', policies: {}, pods: [], internal: same('refused'), external: same('refused') },
  {
    name: 'D1: without usable endpoints, both policies Local',
    policies: bothLocal,
    pods: ['!a1', '-b1'],
    internal: same('refused'),
    external: same('refused'),
  },
  {
    name: 'D16: of terminating and ready endpoints only the ready ones',
    policies: {},
    pods: ['~a1', 'a2', '~b1'],
    internal: hidden('a2'),
    external: hiddenAll('a2'),
  },
  {
    name: 'D16: terminating endpoints alone, those that still serve',
    policies: {},
    pods: ['~a1', '-a2', '~b1'],
    internal: hidden('a1,b1'),
    external: hiddenAll('a1,b1'),
  },
  {
    name: 'D15, D17: Local falls back to the terminating endpoint here while others are ready elsewhere',
    policies: bothLocal,
    pods: ['~a1', 'b1'],
    internal: hidden('a1'),
    external: local('b1', 'a1'),
  },
  {
    name: 'D15: terminating endpoints elsewhere only',
    policies: bothLocal,
    pods: ['!a1', '~b1'],
    internal: same('timeout'),
    external: local('b1', ''),
  },
];

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  before(async () => {
    lab = await AgentLab.start();
  });
  after(() => lab.stop());

  const families = [
    { family: 'IPv4', service: '10.96.0.1', node: '10.0.1.1', client: '10.0.9.5', vip: '10.0.8.1', externalIp: '10.0.8.2' },
    {
      family: 'IPv6',
      service: 'fd00:10:96::1',
      node: 'fd00:0:0:1::1',
      client: 'fd00:0:0:9::5',
      vip: 'fd00:0:0:8::1',
      externalIp: 'fd00:0:0:8::2',
    },
  ] as const;

  for (const { name, policies, pods, internal, external } of cases) {
    describe(name, () => {
      before(() =>
        lab.serve(
          'web-1',
          {
            type: 'LoadBalancer',
            ports: [{ name: 'tcp', port: 80, nodePort: 30_001 }],
            externalIPs: families.map(({ externalIp }) => externalIp),
            ...policies,
          },
          pods,
          families.map(({ vip }) => vip),
        ),
      );
      for (const addresses of families) {
        for (const [kind, address, port, outcomes] of [
          ['cluster IP', addresses.service, 80, internal],
          ['external IP', addresses.externalIp, 80, external],
          ['load-balancer address', addresses.vip, 80, external],
          ['node port', addresses.node, 30_001, external],
        ] as const) {
          test(`${kind}, ${addresses.family}`, async () => {
            for (const [from, outcome] of Object.entries(outcomes))
              await hears(from as Client, outcome, address, port, addresses);
          });
        }
      }
    });
  }

  /** Asks until everybody who may answer has, and fails at anything else. */
  async function hears(
    from: Client,
    outcome: Outcome,
    address: string,
    port: number,
    { family, node, client }: (typeof families)[number],
  ): Promise<void> {
    const bind = from === 'outside' ? { bind: client } : {};
    const timeoutMs = outcome === 'timeout' ? 120 : 1500;
    const ask = async (): Promise<string> => (await lab.tcp(from, address, port, { ...bind, timeoutMs })).replace('::ffff:', '');
    const what = `${from} to ${address}:${port}`;
    if (outcome === 'timeout' || outcome === 'refused') {
      assert.equal(await ask(), outcome, what);
      return;
    }
    const [who = '', source] = outcome.split(' ');
    const left = new Set(who.split(','));
    const own = from === 'outside' ? client : from === 'n1' ? node : podAddress(from, family);
    const legal = [...left].map((pod) => `${pod} ${source === 'node' || pod === from ? node : own}`);
    for (let index = 0; index < 60 && (left.size > 0 || index < 6); index++) {
      const answer = await ask();
      assert.ok(legal.includes(answer), `${what}: ${answer}, not one of ${legal.join(', ')}`);
      left.delete(answer.split(' ')[0] ?? '');
    }
    assert.deepEqual([...left], [], `${what}: never answered in 60 connections`);
  }
}
