/** kubectl port-forward into pods that really run, tunnelled in a WebSocket and as plain SPDY, which kubectl up to 1.30 speaks. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { noKubectl } from '../../tools/testing/kubectl.ts';
import { Desk, needsLab } from '../wire/up-harness.ts';
import type { Running as RunningLab } from '../wire/up-harness.ts';
import { kubectlPrograms } from './each-kubectl.ts';
import type { Kubectl, Running } from './run-kubectl.ts';
import { createKubectl } from './run-kubectl.ts';

// a Node that pods can see: they have a home and a /tmp of their own, and this checkout may lie in either
const podNode = ['/usr/local/bin/node', '/usr/bin/node'].find((path) => existsSync(path)) ?? process.execPath;
const programs = kubectlPrograms();
const needs = programs.size === 0 ? { skip: noKubectl } : needsLab;

/** Sends back what comes, and ends when the other side has; on one more port it says hello and resets. */
const server = `
  const net = require('node:net');
  net.createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket)).listen(7000, '0.0.0.0', () => console.log('listening'));
  net.createServer((socket) => { socket.on('error', () => {}); socket.write('hello', () => setTimeout(() => socket.resetAndDestroy(), 50)); }).listen(7001, '0.0.0.0');
`;

describe('port-forward', needs, () => {
  const desk = new Desk();
  let lab: RunningLab | undefined;
  before(async () => {
    lab = desk.start(['up', '--name', 'forward']);
    await lab.printed(/Try, in another terminal/);
  });
  after(async () => {
    lab?.child.kill('SIGTERM');
    await lab?.ended;
    desk.close();
  });

  for (const [version, program] of programs) {
    for (const transport of ['WebSocket', 'SPDY']) {
      describe(`of kubectl ${version} over ${transport}`, () => {
        const namespace = `with-${version.replaceAll('.', '-')}-${transport.toLowerCase()}`;
        let cluster: Kubectl | undefined;
        const use = (): Kubectl => {
          if (cluster === undefined) throw new Error('the lab did not start');
          return cluster;
        };
        before(async () => {
          const scratch = join(desk.folder, namespace);
          mkdirSync(scratch);
          const kubeconfig = join(scratch, 'kubeconfig');
          copyFileSync(join(desk.runtime, 'fairlead', 'forward', 'kubeconfig'), kubeconfig);
          const env = { KUBECTL_PORT_FORWARD_WEBSOCKETS: String(transport === 'WebSocket') };
          cluster = createKubectl(program, kubeconfig, scratch, env);
          await cluster.ok(`create namespace ${namespace}`);
          await cluster.ok(`config set-context --current --namespace=${namespace}`);
          await cluster.ok(['run', 'server', '--image=node', '--command', '--', podNode, '-e', server]);
          await cluster.ok('create deployment web --image=echo --port=8080');
          await cluster.ok('expose deployment web --port=80 --target-port=8080');
          await listening(cluster, 'server');
          await cluster.ok('rollout status deployment/web --timeout=30s');
        });
        after(() => cluster?.stopAll());

        for (const [target, port] of [
          ['pod/server', 7000],
          ['deployment/web', 8080],
          ['service/web', 80],
        ] as const) {
          test(`leads to a ${target.replace(/\/.*/, '')}`, async () => {
            const forward = use().start(`port-forward ${target} :${port}`);
            const said = await talk(await localPort(forward), Buffer.from('GET / HTTP/1.0\r\n\r\n'));
            assert.match(said.toString(), target === 'pod/server' ? /^GET \// : /^x-pod: web-/m);
            await forward.stop();
          });
        }

        test('carries many connections at once, and much on each', async () => {
          const forward = use().start('port-forward pod/server :7000');
          const port = await localPort(forward);
          const exchange = async (sizeBytes: number): Promise<void> => {
            const given = randomBytes(sizeBytes);
            const back = await talk(port, given);
            assert.equal(digest(back), digest(given), `${back.length} of ${sizeBytes} bytes came back`);
          };
          await Promise.all(Array.from({ length: 40 }, () => exchange(100_000)));
          await Promise.all([exchange(16_000_000), exchange(16_000_000), exchange(10)]);
          await forward.stop();
        });

        test('goes on when the pod resets a connection, and when a client leaves', async () => {
          const forward = use().start('port-forward pod/server :7000 :7001');
          const port = await localPort(forward, 7000);
          const resetPort = await localPort(forward, 7001);
          assert.equal((await talk(resetPort, undefined)).toString(), 'hello');
          const leaver = connect(port, '127.0.0.1');
          leaver.write(randomBytes(1_000_000));
          await once(leaver, 'data');
          leaver.resetAndDestroy();
          assert.equal((await talk(port, Buffer.from('still here'))).toString(), 'still here');
          await forward.stop();
        });

        test('says that nobody listens, in the words of container runtimes', async () => {
          const forward = use().start('port-forward pod/server :7999');
          const port = await localPort(forward);
          assert.equal((await talk(port, Buffer.from('x'))).length, 0);
          const said = await forward.printed(/failed to connect/);
          assert.match(
            said,
            /error forwarding port 7999 to pod server, uid .*: failed to connect to localhost:7999 inside namespace .*, IPv4: dial tcp4 127\.0\.0\.1:7999: connect: connection refused IPv6 dial tcp6 \[::1\]:7999: connect: connection refused/,
          );
          await forward.stop();
        });

        test('ends the connections of a pod that goes away', async () => {
          const { ok, start } = use();
          await ok(['run', 'passing', '--image=node', '--command', '--', podNode, '-e', server]);
          await listening(use(), 'passing');
          const forward = start('port-forward pod/passing :7000');
          const socket = connect(await localPort(forward), '127.0.0.1');
          socket.on('error', () => undefined).write('x');
          await once(socket, 'data');
          const closed = once(socket, 'close');
          await ok('delete pod passing --grace-period=1');
          await closed;
          await forward.stop();
        });
      });
    }
  }
});

/** Waits for the server of a pod, which is ready before it. */
async function listening({ ok, start }: Kubectl, pod: string): Promise<void> {
  await ok(`wait --for=condition=Ready pod/${pod} --timeout=30s`);
  const log = start(`logs -f ${pod}`);
  await log.printed(/listening/);
  await log.stop();
}

/** The port of this machine that kubectl chose for a pod's port. */
async function localPort(forward: Running, podPort?: number): Promise<number> {
  const pattern = new RegExp(`Forwarding from 127\\.0\\.0\\.1:(\\d+) -> ${podPort ?? '\\d+'}\n`);
  return Number(pattern.exec(await forward.printed(pattern))?.[1]);
}

/** Everything that comes back for `given` and the end after it; without `given`, everything that comes. Resets end it too. */
function talk(port: number, given: Buffer | undefined): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(Buffer.concat(chunks)));
    if (given !== undefined) socket.end(given);
  });
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
