/** `fairlead affinity` and `fairlead lab` against a lab that runs. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { services } from '../../src/api/index.ts';
import { Desk, getText, needsLab, webService } from './up-harness.ts';
import type { Ending, Running } from './up-harness.ts';

const desk = new Desk();
const name = 'changes';
let lab: Running | undefined;
let nodePort = 0;

before(async () => {
  if (needsLab.skip !== undefined) return;
  const manifest = join(desk.folder, 'web.yaml');
  writeFileSync(manifest, webService('web', 'type: NodePort\n  sessionAffinity: ClientIP', 4));
  lab = desk.start(['up', '--name', name, '--nodes', '2', '-f', manifest]);
  await lab.printed(/Try, in another terminal/);
  const web = await desk.client(name).get(services, 'web', { namespace: 'default' });
  nodePort = web.spec?.ports?.[0]?.nodePort ?? 0;
});

after(async () => {
  lab?.child.kill('SIGTERM');
  await lab?.ended;
  desk.close();
});

async function answeredBy(from: string, url: string): Promise<string> {
  const { stdout, stderr } = await desk.run(['run', '--name', name, '--from', from, '--', ...getText(url)]);
  return /^pod (\S+) /.exec(stdout)?.[1] ?? stderr.trim();
}

function fairlead(...words: string[]): Promise<Ending> {
  return desk.run([...words, '--name', name]);
}

interface Pin {
  readonly node: string;
  readonly client: string;
  readonly service: string;
  readonly pod: string;
  readonly secondsLeft: number;
  readonly frontend: { readonly address?: string; readonly port: number };
}

test('affinity list shows who is pinned where, and clear removes what is meant', needsLab, async () => {
  assert.equal((await fairlead('affinity', 'list')).stdout, 'no client is pinned\n');
  const inside = await answeredBy('pod/client', 'http://web/');
  const outside = await answeredBy('outside', `http://10.0.1.2:${nodePort}/`);
  const pins = JSON.parse((await fairlead('affinity', 'list', '-o', 'json')).stdout) as Pin[];
  assert.deepEqual(
    pins.map(({ node, client, service, pod, frontend }) => [node, client, service, pod, frontend.port]),
    [
      ['node-1', '10.244.1.2', 'default/web', `default/${inside}`, 80],
      ['node-2', '10.0.9.1', 'default/web', `default/${outside}`, nodePort],
    ],
  );
  for (const { secondsLeft } of pins) assert.ok(secondsLeft > 10_700 && secondsLeft <= 10_800, String(secondsLeft));
  const table = (await fairlead('affinity', 'list', '--client', '10.0.9.1')).stdout;
  assert.match(
    table,
    new RegExp(
      `^NODE +CLIENT .*\nnode-2 +10\\.0\\.9\\.1 +default/web +node:${nodePort}/TCP +10\\.244\\.\\d\\.\\d+:8080 +${outside} +\\d+s\n$`,
    ),
  );
  assert.equal((await fairlead('affinity', 'clear', '--service', 'other')).stdout, '0 pins removed\n');
  assert.equal((await fairlead('affinity', 'clear', '--node', 'node-1')).stdout, '1 pin removed\n');
  assert.equal((await fairlead('affinity', 'clear', '--service', 'web')).stdout, '1 pin removed\n');
  assert.equal((await fairlead('affinity', 'list')).stdout, 'no client is pinned\n');
});

test('a client whose pin was removed is free', needsLab, async () => {
  const seen = new Set<string>();
  // 4 pods: that one pod answers twelve free connections happens once in four million times
  for (let count = 0; count < 12 && seen.size < 2; count++) {
    seen.add(await answeredBy('pod/client', 'http://web/'));
    await fairlead('affinity', 'clear');
  }
  assert.ok(seen.size > 1, [...seen].join(', '));
});

test('a cut link loses packets until it is healed', needsLab, async () => {
  const url = `http://10.0.1.1:${nodePort}/`;
  assert.match(await answeredBy('outside', url), /^web-/);
  assert.equal(
    (await fairlead('lab', 'link', 'cut', 'node-1', 'outside')).stdout,
    'node-1 and outside: packets are lost in both directions\n',
  );
  const { status } = await desk.run(['run', '--name', name, '--from', 'outside', '--', 'timeout', '0.7', ...getText(url)]);
  assert.equal(status, 124, 'silence');
  assert.equal((await fairlead('lab', 'link', 'heal', 'node-1', 'outside')).status, 0);
  assert.match(await answeredBy('outside', url), /^web-/);
});

test('a node that is stopped is unreachable until it is started', needsLab, async () => {
  const url = `http://10.0.1.2:${nodePort}/`;
  assert.match(await answeredBy('outside', url), /^web-/);
  assert.equal((await fairlead('lab', 'node', 'stop', 'node-2')).status, 0);
  const { status } = await desk.run(['run', '--name', name, '--from', 'outside', '--', 'timeout', '0.7', ...getText(url)]);
  assert.equal(status, 124, 'silence');
  assert.equal((await fairlead('lab', 'node', 'start', 'node-2')).status, 0);
  assert.match(await answeredBy('outside', url), /^web-/);
});

test('what cannot be done is told in one sentence', needsLab, async () => {
  assert.equal((await fairlead('lab', 'node', 'stop', 'node-9')).stderr, 'fairlead: there is no node node-9 in the lab\n');
  assert.match(
    (await fairlead('lab', 'node', 'explode', 'node-1')).stderr,
    /^fairlead: lab node explode node-1: write lab node stop NODE/,
  );
  assert.match((await fairlead('affinity', 'list', '--client', 'x')).stderr, /^fairlead: --client x is no IP address\n$/);
  assert.match(
    (await fairlead('affinity', 'list', '--node', 'node-9')).stderr,
    /^fairlead: there is no node node-9 in the lab\n$/,
  );
});
