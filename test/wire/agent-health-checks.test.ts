/** Health-check node ports: which nodes have a ready endpoint, as load balancers ask for it. */
import assert from 'node:assert/strict';
import { createServer, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import type { EventSink } from '../../src/client/index.ts';
import { AgentLab } from './agent-lab.ts';
import { bestOf, isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  const events: string[] = [];
  const sink: EventSink = {
    event: (object, type, reason, message) => void events.push(`${object.metadata?.name} ${type} ${reason}: ${message}`),
  };
  before(async () => {
    lab = await AgentLab.start({ events: sink });
  });
  after(() => lab.stop());

  const spec = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 30_088,
    ports: [{ name: 'tcp', port: 80, nodePort: 30_040 }],
  };

  test('answer 200 where a ready endpoint is and 503 elsewhere, as upstream does', async () => {
    await lab.serve('web-40', spec, ['a1', 'a2']);
    for (const address of ['10.0.1.1', 'fd00:0:0:1::1']) {
      const { status, headers, body } = await fetchFrom(lab, address, 30_088);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['x-load-balancing-endpoint-weight'], '2');
      assert.equal(
        body,
        '{\n\t"service": {\n\t\t"namespace": "ns",\n\t\t"name": "web-40"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
      );
    }
    const elsewhere = await fetchFrom(lab, '10.0.1.2', 30_088);
    assert.equal(elsewhere.status, 503);
    assert.match(elsewhere.body, /"localEndpoints": 0/);
  });

  test('follow an endpoint within 100 ms', async () => {
    const status = async (address: string): Promise<number> => (await fetchFrom(lab, address, 30_088)).status ?? 0;
    const tookMs = await bestOf(6, 100, async (attempt) => {
      const isAway = attempt % 2 === 0;
      lab.setEndpoints('web-40', [isAway ? 'b1' : 'a1'], [{ name: 'tcp' }]);
      const [from, to] = isAway ? ['10.0.1.1', '10.0.1.2'] : ['10.0.1.2', '10.0.1.1'];
      const startMs = performance.now();
      while ((await status(from)) !== 503 || (await status(to)) !== 200) {
        assert.ok(performance.now() - startMs < 5000, 'never followed');
      }
      return performance.now() - startMs;
    });
    assert.ok(tookMs < 100, `${tookMs} ms`);
  });

  test('move with the port and close with the Service', async () => {
    await lab.serve('web-40', { ...spec, healthCheckNodePort: 30_089 }, ['a1']);
    assert.equal((await fetchFrom(lab, '10.0.1.1', 30_089)).status, 200);
    assert.equal(await lab.tcp('outside', '10.0.1.1', 30_088), 'refused');
    await lab.remove('web-40');
    assert.equal(await lab.tcp('outside', '10.0.1.1', 30_089), 'refused');
  });

  test('answer on every address of the node, whichever of them node ports answer on', async () => {
    await lab.agents.get('n1')?.stop();
    await lab.startAgent('n1', { events: sink, nodePortAddresses: ['10.0.1.77/32'] });
    await lab.serve('web-43', { ...spec, healthCheckNodePort: 30_093 }, ['a1']);
    assert.equal(await lab.tcp('outside', '10.0.1.1', 30_040), 'refused');
    assert.equal((await fetchFrom(lab, '10.0.1.1', 30_093)).status, 200);
    await lab.remove('web-43');
    await lab.agents.get('n1')?.stop();
    await lab.startAgent('n1', { events: sink });
  });

  test('D31: with terminating endpoints only they say 503 while connections are still served by those', async () => {
    await lab.serve('web-41', { ...spec, healthCheckNodePort: 30_091 }, ['~a1', 'b1']);
    const { status, headers } = await fetchFrom(lab, '10.0.1.1', 30_091);
    assert.deepEqual([status, headers['x-load-balancing-endpoint-weight']], [503, '0']);
    assert.match(await lab.tcp('outside', '10.0.1.1', 30_040), /^a1 /);
    lab.setEndpoints('web-41', ['a1', 'b1'], [{ name: 'tcp' }]);
    await lab.settled();
    assert.equal((await fetchFrom(lab, '10.0.1.1', 30_091)).status, 200);
    await lab.remove('web-41');
  });

  test('say 503 while the proxy does not keep up, whatever is ready here, and say so', async (context) => {
    await lab.serve('web-44', { ...spec, healthCheckNodePort: 30_094 }, ['a1']);
    const agent = lab.agents.get('n1') ?? assert.fail();
    // a change that waits for twice the sync period of 30 s
    agent.health.noteQueued();
    const startMs = Date.now();
    const clock = context.mock.method(Date, 'now', () => startMs + 60_000);
    const late = await fetchFrom(lab, '10.0.1.1', 30_094);
    clock.mock.restore();
    assert.equal(late.status, 503);
    assert.match(late.body, /"localEndpoints": 1,\n\t"serviceProxyHealthy": false\n/);
    lab.setEndpoints('web-44', ['a1', 'a2'], [{ name: 'tcp' }]);
    await lab.settled();
    assert.equal((await fetchFrom(lab, '10.0.1.1', 30_094)).status, 200);
    await lab.remove('web-44');
  });

  test('a port that is taken is told to the Service, and is had with the next sync once it is free', async () => {
    const squatter = createServer();
    await lab.thread.listenTcp(lab.place('n1').namespace, squatter, { address: '0.0.0.0', port: 30_092 });
    events.length = 0;
    await lab.serve('web-42', { ...spec, healthCheckNodePort: 30_092 }, ['a1']);
    assert.deepEqual(
      events.map((text) => text.replace(/port 30092: .*/, 'port 30092')),
      ['web-42 Warning FailedToStartServiceHealthcheck: node n1 failed to start healthcheck on port 30092'],
    );
    assert.match(events[0] ?? '', /EADDRINUSE|in use/);
    assert.equal((await fetchFrom(lab, '10.0.1.2', 30_092)).status, 503, 'the other node has its own');
    await new Promise((resolve) => squatter.close(resolve));
    assert.equal(await lab.tcp('outside', '10.0.1.1', 30_092), 'refused');
    lab.setEndpoints('web-42', ['a1', 'a2'], [{ name: 'tcp' }]);
    await lab.settled();
    assert.equal((await fetchFrom(lab, '10.0.1.1', 30_092)).headers['x-load-balancing-endpoint-weight'], '2');
    await lab.remove('web-42');
  });
}

interface Fetched {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function fetchFrom(lab: AgentLab, address: string, port: number): Promise<Fetched> {
  const socket = await lab.thread.connectTcp(lab.place('outside').namespace, { address, port }, { timeoutMs: 1000 });
  return new Promise((resolve, reject) => {
    get({ createConnection: () => socket, host: 'node', headers: { connection: 'close' } }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    }).on('error', reject);
  });
}
