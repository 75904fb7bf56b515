import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Probe } from '../api/index.ts';
import { maxTimerMs } from '../client/index.ts';
import type { ProbeTarget } from './prober.ts';
import { ProbeLoop, probeOnce, runHook } from './prober.ts';

/** A pod on loopback, and the connections that were made to it. */
async function podWith(
  listener: RequestListener,
): Promise<{ target: ProbeTarget; port: number; sockets: Socket[]; close: () => void }> {
  const server: Server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  const target: ProbeTarget = {
    address: () => '127.0.0.1',
    ports: [],
    dial: async (to) => {
      const socket = connect(to.port, to.address);
      sockets.push(socket);
      await once(socket, 'connect');
      return socket;
    },
    exec: () => Promise.reject(new Error('not here')),
  };
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { target, port, sockets, close };
}

describe('an HTTP probe', () => {
  const table: readonly [name: string, listener: RequestListener, path: string, want: RegExp | undefined][] = [
    ['succeeds with 200', (_request, response) => void response.end('ok'), '/', undefined],
    [
      'fails with 500',
      (_request, response) => void response.writeHead(500).end(),
      '/',
      /^HTTP probe failed with statuscode: 500$/,
    ],
    [
      'reads no more than it needs of an answer without end',
      (_request, response) => {
        const write = (): boolean => response.write('x'.repeat(4096), () => response.destroyed || write());
        write();
      },
      '/',
      undefined,
    ],
    [
      'is late when the answer never begins',
      () => undefined,
      '/',
      /^context deadline exceeded \(Client\.Timeout exceeded while awaiting headers\)$/,
    ],
    [
      'is late when the answer comes byte by byte',
      (_request, response) => {
        const timer = setInterval(() => response.write('x'), 50);
        response.on('close', () => clearInterval(timer));
      },
      '/',
      /^context deadline exceeded \(Client\.Timeout exceeded while reading body\)$/,
    ],
    ['fails with a path that no request can have', (_request, response) => void response.end(), '/€', /unescaped/],
  ];
  for (const [name, listener, path, want] of table)
    test(`${name}, and leaves no connection`, async () => {
      const { target, port, sockets, close } = await podWith(listener);
      const result = await probeOnce({ httpGet: { port, path, scheme: 'HTTP' }, timeoutSeconds: 1 }, target);
      assert.equal(result.isSuccess, want === undefined, result.output);
      if (want !== undefined) assert.match(result.output, want);
      assert.equal(sockets.length, 1);
      assert.ok(sockets[0]?.destroyed);
      close();
    });
});

describe('a port by name', () => {
  const ports = [{ name: 'web', containerPort: 8080 }];
  const dialled = async (port: string): Promise<number | string> => {
    let to: number | undefined;
    const target: ProbeTarget = {
      address: () => '127.0.0.1',
      ports,
      dial: (place) => {
        to = place.port;
        return Promise.reject(new Error('not here'));
      },
      exec: () => Promise.reject(new Error('not here')),
    };
    const { output } = await probeOnce({ tcpSocket: { port } }, target);
    return to ?? output;
  };
  for (const [port, want] of [
    ['web', 8080],
    ['81', 81],
    ['0x50', `couldn't find port: "0x50"`],
    ['1e3', `couldn't find port: "1e3"`],
    ['0', `couldn't find port: "0"`],
    ['65536', `couldn't find port: "65536"`],
  ] as const)
    test(`${port} is ${want}`, async () => assert.equal(await dialled(port), want));
});

describe('times longer than a timer can be', () => {
  const loopOf = (probe: Probe): { readonly loop: ProbeLoop; readonly count: () => number } => {
    let count = 0;
    const target: ProbeTarget = {
      address: () => undefined,
      ports: [],
      dial: () => Promise.reject(new Error('not here')),
      exec: async () => {
        count++;
        return { exitCode: 0, output: '' };
      },
    };
    const loop = new ProbeLoop({
      kind: 'liveness',
      probe: { exec: { command: ['x'] }, ...probe },
      target,
      onResult: () => undefined,
    });
    return { loop, count: () => count };
  };
  // a timer that overflows goes off after a millisecond
  const someMs = 50;

  for (const [name, probe, want] of [
    ['are waited for before the first probe', { initialDelaySeconds: 2_147_484 }, 0],
    ['are waited for between probes', { periodSeconds: 2_147_484 }, 1],
  ] as const)
    test(name, async () => {
      const { loop, count } = loopOf(probe);
      loop.start();
      await new Promise((resolve) => setTimeout(resolve, someMs));
      loop.stop();
      assert.equal(count(), want);
    });

  test('are no reason to cut a sleeping hook short', (t) => {
    const asked: unknown[] = [];
    t.mock.method(globalThis, 'setTimeout', (_done: () => void, ms: number) => asked.push(ms));
    void runHook({ sleep: { seconds: 3_000_000 } }, {} as ProbeTarget, 4e9);
    assert.deepEqual(asked, [maxTimerMs]);
  });
});
