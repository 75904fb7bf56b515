import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import type { NodeAccess } from './node-access.ts';
import type { TestServer } from './test-server.ts';
import { startTestServer } from './test-server.ts';

const pods = '/api/v1/namespaces/default/pods';

/** A node whose containers log what they were asked, and run commands that only these tests know. */
function fakeNode(): NodeAccess & { readonly upstreamPort: number; close(): void } {
  const upstream = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      response.setHeader('content-type', 'application/json');
      const body = Buffer.concat(chunks).toString();
      response.end(JSON.stringify({ method: incoming.method, url: incoming.url, body, headers: incoming.headers }));
    });
  });
  upstream.listen(0, '127.0.0.1');
  return {
    get upstreamPort() {
      return (upstream.address() as AddressInfo).port;
    },
    close: () => {
      upstream.close();
      upstream.closeAllConnections();
    },
    async *readLog(pod, options, signal) {
      yield Buffer.from(
        `${pod.namespace}/${pod.name} ${pod.nodeName} ${options.container} tail=${options.tailLines} previous=${options.previous}\n`,
      );
      for (let line = 1; options.follow; line += 1) {
        yield Buffer.from(`line ${line}\n`);
        await new Promise((resolve) => setTimeout(resolve, 10));
        if (signal.aborted) return;
      }
    },
    exec: async (_pod, { command }, { stdin, writeStdout, writeStderr, resizes }) => {
      switch (command[0]) {
        case 'cat':
          for await (const chunk of stdin ?? []) await writeStdout(chunk);
          return 0;
        case 'exit':
          await writeStderr(Buffer.from('going\n'));
          return Number(command[1]);
        case 'size':
          for await (const { columns, rows } of resizes) {
            await writeStdout(Buffer.from(`${columns}x${rows}`));
            return 0;
          }
          return 1;
        default:
          throw new Error(`${command[0]}: no such program`);
      }
    },
    attach: () => Promise.resolve(0),
    dialPod: () => Promise.reject(new Error('not here')),
    dial: async (address, port) => {
      if (address !== '10.244.1.9') throw new Error(`no route to ${address}`);
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
  };
}

let api: TestServer;
const node = fakeNode();
before(async () => {
  api = await startTestServer({}, node);
  const containers = [{ name: 'main', image: 'echo', ports: [{ containerPort: node.upstreamPort }] }];
  await api.post(pods, { metadata: { name: 'p' }, spec: { nodeName: 'node-1', containers } });
  const running = { name: 'main', ready: true, restartCount: 0, image: 'echo', imageID: '', state: { running: {} } };
  await api.patch(`${pods}/p/status`, 'merge', {
    status: { phase: 'Running', podIP: '10.244.1.9', containerStatuses: [running] },
  });
  const two = [
    { name: 'a', image: 'echo' },
    { name: 'b', image: 'echo' },
  ];
  await api.post(pods, { metadata: { name: 'two' }, spec: { nodeName: 'node-1', containers: two } });
  await api.post(pods, {
    metadata: { name: 'waiting' },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'echo' }] },
  });
  await api.post(pods, { metadata: { name: 'homeless' }, spec: { containers: [{ name: 'main', image: 'echo' }] } });
});
after(async () => {
  await api.close();
  node.close();
});

describe('logs', () => {
  test('are the text that the node gives for the options that were asked', async () => {
    const { code, text, headers } = await api.get(`${pods}/p/log?tailLines=3&previous=false`);
    assert.equal(code, 200);
    assert.equal(headers['content-type'], 'text/plain');
    assert.equal(text, 'default/p node-1 main tail=3 previous=false\n');
  });

  test('are followed as they come, until the reader leaves', async () => {
    const outgoing = request(`${api.server.url}${pods}/p/log?follow=true`, {
      ca: api.server.caPem,
      agent: false,
      headers: { authorization: `Bearer ${api.server.token}` },
    });
    outgoing.end();
    const [answer] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream];
    let text = '';
    for await (const chunk of answer) {
      text += String(chunk);
      if (text.includes('line 3\n')) break;
    }
    assert.match(text, /line 1\nline 2\nline 3\n/);
  });

  const faults: readonly [path: string, code: number, text: RegExp][] = [
    ['none/log', 404, /pods "none" not found/],
    ['two/log', 400, /a container name must be specified for pod two, choose one of: \[a b\]/],
    ['p/log?container=x', 400, /container x is not valid for pod p/],
    ['waiting/log', 400, /container "main" in pod "waiting" is waiting to start: ContainerCreating/],
    ['homeless/log', 400, /pod homeless does not have a host assigned/],
    ['p/log?tailLines=-1', 400, /tailLines/],
    ['p/log?sinceTime=noon', 400, /sinceTime/],
  ];
  for (const [path, code, text] of faults) {
    test(`${path} is ${code}`, async () => {
      const answer = await api.get(`${pods}/${path}`);
      assert.equal(answer.code, code);
      assert.match(answer.body.message ?? '', text);
    });
  }
});

describe('exec', () => {
  test('gives output and success', async () => {
    const run = await open('p/exec?command=cat&stdin=true&stdout=true');
    run.send(0, 'hello ');
    run.send(0, 'there');
    run.closeStdin();
    await run.closed;
    assert.equal(run.text(1), 'hello there');
    assert.equal((JSON.parse(run.text(3)) as { status: string }).status, 'Success');
  });

  test('gives errors and the exit code', async () => {
    const run = await open('p/exec?command=exit&command=7&stdout=true&stderr=true');
    await run.closed;
    assert.equal(run.text(2), 'going\n');
    const status = JSON.parse(run.text(3)) as { status: string; reason: string; details: { causes: unknown[] } };
    assert.equal(status.reason, 'NonZeroExitCode');
    assert.deepEqual(status.details.causes, [{ reason: 'ExitCode', message: '7' }]);
  });

  test('passes on the size of the terminal', async () => {
    const run = await open('p/exec?command=size&stdin=true&stdout=true&tty=true');
    run.send(4, '{"Width":80,"Height":24}');
    await run.closed;
    assert.equal(run.text(1), '80x24');
  });

  test('says why a program could not be run', async () => {
    const run = await open('p/exec?command=nonsense&stdout=true');
    await run.closed;
    assert.match((JSON.parse(run.text(3)) as { message: string }).message, /nonsense: no such program/);
  });

  const faults: readonly [name: string, path: string, options: { token?: string; protocol?: string }, code: number][] = [
    ['a pod that is not there', 'none/exec?command=cat&stdout=true', {}, 404],
    ['no command', 'p/exec?stdout=true', {}, 400],
    ['no stream', 'p/exec?command=cat', {}, 400],
    ['an unknown subprotocol', 'p/exec?command=cat&stdout=true', { protocol: 'v1.nonsense' }, 400],
    ['no credentials', 'p/exec?command=cat&stdout=true', { token: 'wrong' }, 401],
    ['port-forward in another protocol', 'p/portforward', {}, 400],
    ['port-forward to a pod that is not there', 'none/portforward', { protocol: 'portforward.k8s.io' }, 404],
  ];
  for (const [name, path, options, code] of faults) {
    test(`${name} is refused with ${code} before the upgrade`, async () => assert.equal(await refusal(path, options), code));
  }

  test('without an upgrade is a 400', async () => {
    const { code, body } = await api.post(`${pods}/p/exec?command=cat&stdout=true`, {});
    assert.equal(code, 400);
    assert.equal(body.message, 'Upgrade request required');
  });
});

describe('proxies', () => {
  interface Echo {
    readonly method: string;
    readonly url: string;
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  }

  test('lead to a pod with path, query and body, but without credentials', async () => {
    const { code, text } = await api.call('POST', `${pods}/p:${node.upstreamPort}/proxy/a%2Fb/c@d?x=1`, { body: 'hello' });
    assert.equal(code, 200);
    const echo = JSON.parse(text) as Echo;
    assert.equal(echo.method, 'POST');
    assert.equal(echo.url, '/a%2Fb/c@d?x=1');
    assert.equal(echo.body, 'hello');
    assert.equal(echo.headers['authorization'], undefined);
    const declared = await api.get(`${pods}/p/proxy/`);
    assert.equal((JSON.parse(declared.text) as Echo).url, '/', 'the declared port is the default');
  });

  test('without a slash at the end send readers to one', async () => {
    const { code, headers } = await api.get(`${pods}/p/proxy?x=1`);
    assert.equal(code, 301);
    assert.equal(headers.location, `${pods}/p/proxy/?x=1`);
    assert.equal((await api.call('POST', `${pods}/p/proxy`)).code, 200);
  });

  test('lead to a ready endpoint of a Service, by name or number of its port', async () => {
    const ports = [{ name: 'http', port: 80, targetPort: node.upstreamPort }];
    await api.post('/api/v1/namespaces/default/services', { metadata: { name: 's' }, spec: { ports } });
    const path = '/api/v1/namespaces/default/services';
    assert.equal((await api.get(`${path}/s/proxy/`)).code, 503);
    await api.post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
      metadata: { name: 's-1', labels: { 'kubernetes.io/service-name': 's' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: node.upstreamPort }],
      endpoints: [
        { addresses: ['10.244.1.8'], conditions: { ready: false } },
        { addresses: ['10.244.1.9'], conditions: { ready: true } },
      ],
    });
    for (const name of ['s', 's:80', 's:http', 'http:s:80'])
      assert.equal((await api.get(`${path}/${name}/proxy/x`)).code, 200, name);
    assert.equal((await api.get(`${path}/s:81/proxy/`)).code, 503);
  });
});

interface Running {
  send(channel: number, text: string): void;
  closeStdin(): void;
  /** All that came on a channel so far. */
  text(channel: number): string;
  readonly closed: Promise<unknown>;
}

async function open(path: string): Promise<Running> {
  const socket = socketTo(path, {});
  const received = new Map<number, Buffer[]>();
  socket.on('message', (data: Buffer) => {
    const [channel = 0] = data;
    received.set(channel, [...(received.get(channel) ?? []), data.subarray(1)]);
  });
  const closed = once(socket, 'close');
  await once(socket, 'open');
  return {
    send: (channel, text) => socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)])),
    closeStdin: () => socket.send(Buffer.from([255, 0])),
    text: (channel) => Buffer.concat(received.get(channel) ?? []).toString(),
    closed,
  };
}

function refusal(path: string, options: { readonly token?: string; readonly protocol?: string }): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = socketTo(path, options);
    socket.on('open', () => reject(new Error('was let in')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => resolve(response.resume().statusCode));
  });
}

function socketTo(
  path: string,
  { token = api.server.token, protocol = 'v5.channel.k8s.io' }: { readonly token?: string; readonly protocol?: string },
): WebSocket {
  return new WebSocket(`${api.server.url.replace('https:', 'wss:')}${pods}/${path}`, protocol, {
    ca: api.server.caPem,
    headers: { authorization: `Bearer ${token}` },
  });
}
